import assert from "node:assert/strict";

const module = new URL("../../src/cli/signals.ts", import.meta.url).href;

/** Runs a script in a process of its own, whose output can be read as it comes. */
function start(script: string) {
  const args = ["eval", "--no-check", script];
  const process = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "inherit" })
    .spawn();
  return { process, reader: process.stdout.pipeThrough(new TextDecoderStream()).getReader() };
}

/** A process that waits for the first signal to stop. */
const script = `
  import { stopSignals } from ${JSON.stringify(module)};
  let ms = 0;
  const { first } = stopSignals({ monotonic: () => ms });
  setInterval(() => {}, 1_000);
  first.addEventListener("abort", () => {
    console.log("told to stop");
    Deno.exit(0);
  });
  console.log("waits");
`;

Deno.test("SIGHUP does not end a process that is yet to be told to stop", async () => {
  const { process, reader } = start(script);
  assert.equal((await reader.read()).value, "waits\n");
  process.kill("SIGHUP");
  process.kill("SIGTERM");
  assert.equal((await reader.read()).value, "told to stop\n");
  await reader.cancel();
  assert.equal((await process.status).code, 0);
});

Deno.test("SIGQUIT is reported to a process that has to restore its terminal", async () => {
  const script = `
    import { onQuit } from ${JSON.stringify(module)};
    onQuit(() => console.log("left"));
    setInterval(() => {}, 1_000);
    console.log("waits");
  `;
  const { process, reader } = start(script);
  assert.equal((await reader.read()).value, "waits\n");
  process.kill("SIGQUIT");
  assert.equal((await reader.read()).value, "left\n");
  await reader.cancel();
  process.kill("SIGKILL");
  await process.status;
});

/** A process that listens, and how far its clock has gone when each signal comes is given to it. */
async function afterSignals(timesMs: number[]): Promise<string> {
  const script = `
    import { stopSignals } from ${JSON.stringify(module)};
    const times = ${JSON.stringify(timesMs)};
    let n = -1;
    const clock = { monotonic: () => times[n] };
    const ended = Promise.withResolvers();
    // Told before those who stop: how often it was signalled.
    Deno.addSignalListener("SIGTERM", () => { n++; if (n === times.length - 1) setTimeout(() => ended.resolve("goes on"), 0); });
    const { second } = stopSignals(clock);
    setInterval(() => {}, 1_000);
    Deno.addSignalListener("SIGTERM", () => console.log("had one"));
    console.log("waits");
    second.catch((error) => ended.resolve(error.message));
    console.log(await ended.promise);
    Deno.exit(0);
  `;
  const { process, reader } = start(script);
  let said = "";
  const until = async (text: string) => {
    while (!said.includes(text)) {
      const { value, done } = await reader.read();
      assert.ok(!done, said);
      said += value;
    }
    said = said.slice(said.indexOf(text) + text.length);
  };
  await until("waits\n");
  for (const _ of timesMs) {
    process.kill("SIGTERM");
    await until("had one\n");
  }
  while (!said.endsWith("\n")) said += (await reader.read()).value ?? "\n";
  await reader.cancel();
  await process.status;
  return said.trim();
}

Deno.test("signals that come within a second are one", async () => {
  assert.equal(await afterSignals([5_000, 5_900]), "goes on");
});

Deno.test("a signal that comes later ends the process at once", async () => {
  assert.equal(await afterSignals([5_000, 6_100]), "Stopped at once by a second signal");
});
