/** Plug-ins as real processes: small shell scripts in a directory of their own. */
import assert from "node:assert/strict";
import { type PluginCall, type PluginResult, systemRunPlugin } from "../../../src/kube/auth/plugin_process.ts";
import { eventually } from "../../support/deadline.ts";
import { isRunning } from "../../support/process.ts";

/** A shell script as a plug-in, which is ended with the test at the latest. */
class Script implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "hostfactory-plugin-" });
  readonly #stop = new AbortController();

  constructor(body: string) {
    Deno.writeTextFileSync(`${this.directory}/plug`, `#!/bin/sh\ncd '${this.directory}'\n${body}\n`, { mode: 0o755 });
  }

  run(call: Partial<PluginCall> = {}): Promise<PluginResult> {
    return systemRunPlugin({
      command: `${this.directory}/plug`,
      args: [],
      environment: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
      stdoutLimitBytes: 1_000,
      stderrLimitBytes: 100,
      signal: this.#stop.signal,
      ...call,
    });
  }

  /** Ends the plug-in as a time-out does. */
  stop(): void {
    this.#stop.abort();
  }

  /** The process id that the script wrote to a file. */
  async pid(file: string): Promise<number> {
    return await eventually(`the process id in ${file}`, () => {
      const text = readIfThere(`${this.directory}/${file}`);
      return text.endsWith("\n") && Number(text);
    }, { everyMs: 5 });
  }

  [Symbol.dispose](): void {
    this.stop();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function gone(pid: number): Promise<void> {
  await eventually(`the end of process ${pid}`, () => !isRunning(pid), { everyMs: 5 });
}

Deno.test("a plug-in gets its arguments and its environment alone, and its exit status and output are returned", async () => {
  using script = new Script('echo "$1 $A ${HOME-none}"; echo why >&2; exit 3');
  const environment = { A: "a" };
  assert.deepEqual(await script.run({ args: ["-x"], environment }), {
    exitStatus: 3,
    stdout: "-x a none\n",
    stderr: "why\n",
    isOverLimit: false,
  });
});

Deno.test("a plug-in reads nothing from standard input", async () => {
  using script = new Script("cat; echo end");
  assert.equal((await script.run()).stdout, "end\n");
});

for (
  const [name, end] of [
    ["its time is over", (script: Script) => script.stop()],
    ["our process exits", () => globalThis.dispatchEvent(new Event("unload"))],
  ] as const
) {
  Deno.test(`a plug-in that ignores SIGTERM is killed with its children when ${name}`, async () => {
    using script = new Script("trap '' TERM; echo $$ > plug.pid; sleep 1000 & echo $! > child.pid; wait");
    const running = script.run();
    const pids = [await script.pid("plug.pid"), await script.pid("child.pid")];
    assert.deepEqual(pids.map(isRunning), [true, true]);
    end(script);
    assert.equal((await running).exitStatus, 128 + 9);
    for (const pid of pids) await gone(pid);
  });
}

Deno.test("a plug-in whose time is over before it starts is killed", async () => {
  using script = new Script("sleep 1000");
  script.stop();
  assert.equal((await script.run()).exitStatus, 128 + 9);
});

Deno.test("a plug-in that prints without end is killed with its children, and no more than the limit is kept", async () => {
  using script = new Script("echo $$ > plug.pid; yes & echo $! > child.pid; wait");
  const { isOverLimit, stdout, exitStatus } = await script.run({ stdoutLimitBytes: 5_000 });
  assert.deepEqual([isOverLimit, stdout.length, exitStatus], [true, 5_000, 128 + 9]);
  for (const file of ["plug.pid", "child.pid"]) await gone(await script.pid(file));
});

Deno.test("a plug-in may print as much as the limit", async () => {
  using script = new Script("printf 12345");
  const { isOverLimit, stdout } = await script.run({ stdoutLimitBytes: 5 });
  assert.deepEqual([isOverLimit, stdout], [false, "12345"]);
});

Deno.test("of standard error the last part is kept, and a plug-in that complains at length succeeds", async () => {
  using script = new Script("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo $i >&2; done; echo credential");
  const complaints = Array.from({ length: 3_000 }, (_, index) => `${index + 1}\n`).join("");
  assert.deepEqual(await script.run({ stderrLimitBytes: 13_000 }), {
    exitStatus: 0,
    stdout: "credential\n",
    stderr: complaints.slice(-13_000),
    isOverLimit: false,
  });
});

Deno.test("a plug-in that has exited is not waited for because a child holds its pipes, and the child goes on", async () => {
  using script = new Script("{ until [ -e go ]; do sleep 0.01; done; echo > said; } & echo credential; echo why >&2");
  const { exitStatus, stdout, stderr } = await script.run();
  assert.deepEqual([exitStatus, stdout, stderr], [0, "credential\n", "why\n"]);
  script.stop();
  globalThis.dispatchEvent(new Event("unload"));
  Deno.writeTextFileSync(`${script.directory}/go`, "");
  await eventually("a sign of life", () => readIfThere(`${script.directory}/said`) !== "", { everyMs: 5 });
});

Deno.test("a program that does not exist, or may not be run, is an error", async () => {
  using script = new Script("");
  await assert.rejects(script.run({ command: `${script.directory}/none` }), Deno.errors.NotFound);
  await assert.rejects(script.run({ command: "hostfactory-none" }), Deno.errors.NotFound);
  await assert.rejects(script.run({ command: script.directory }), Deno.errors.PermissionDenied);
});
