import assert from "node:assert/strict";

const module = new URL("../../src/cli/signals.ts", import.meta.url).href;

/** A process that waits for the first signal to stop. */
const script = `
  import { stopSignals } from ${JSON.stringify(module)};
  const { first } = stopSignals();
  setInterval(() => {}, 1_000);
  first.addEventListener("abort", () => {
    console.log("told to stop");
    Deno.exit(0);
  });
  console.log("waits");
`;

Deno.test("SIGHUP does not end a process that is yet to be told to stop", async () => {
  const args = ["eval", "--no-check", script];
  const process = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "inherit" })
    .spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "waits\n");
  process.kill("SIGHUP");
  process.kill("SIGTERM");
  assert.equal((await reader.read()).value, "told to stop\n");
  await reader.cancel();
  assert.equal((await process.status).code, 0);
});
