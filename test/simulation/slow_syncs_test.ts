/** What a disk costs whose syncs take long, as those of network file systems do: how many are waited for one after the other. */
import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { LoopRunner } from "../../src/serve/loop_runner.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { TimeoutsWatcher } from "../../src/watchers/timeouts/watcher.ts";
import type { Loop } from "../../src/watchers/loop.ts";
import { podFileText } from "../../src/workdir/pod_file.ts";
import { PodsWatcher } from "../../src/watchers/pods/watcher.ts";
import { RequestMachinesWatcher } from "../../src/watchers/requests/watcher.ts";
import { RequestReturnMachinesWatcher } from "../../src/watchers/returns/watcher.ts";
import type { MachineState } from "../../src/hf/status.ts";
import { readState, writeState } from "../../src/workdir/machines.ts";
import { isProcessed, markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import { isReturnProcessed } from "../../src/workdir/returns.ts";
import type { MemoryFiles } from "../support/memory_files.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import {
  ask,
  deleted,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
} from "../support/memory_dependencies.ts";
import type { SimulatedClock } from "../support/simulated_clock.ts";

const MACHINES = 10_000;
const SYNC_MS = 40;

/** Lets every sync take its time from now on. @returns how often one was waited for, those beside it not counted */
function slowDown({ files, clock }: { files: MemoryFiles; clock: SimulatedClock }): { inARow: () => number } {
  let inARow = 0, lastMs = -Infinity;
  files.syncing = async () => {
    await clock.sleep(SYNC_MS);
    if (clock.monotonic() >= lastMs + SYNC_MS) {
      lastMs = clock.monotonic();
      inARow++;
    }
  };
  return { inARow: () => inARow };
}

/** A request all of whose machines have pods, as `serve` leaves it. */
async function created(status: { phase: "Pending" | "Running" }, state: MachineState): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies({ concurrency: 32 });
  const { workdir, files, kube, clock } = dependencies;
  await ask(dependencies, "req", MACHINES);
  const creationTimestamp = new Date(clock.now() - 400_000).toISOString();
  for (let i = 0; i < MACHINES; i++) {
    const name = `req-${i}`;
    settleMachine(workdir, "req", name);
    files.writeText(`/work/pods/${name}`, podFileText(kube.put(ourPod(name, status, { creationTimestamp }))));
    writeState(workdir, name, state);
  }
  await markProcessed(workdir, "req");
  return dependencies;
}

/** Tells whether every machine has the state; each is looked at only until it has. */
function haveAll({ workdir }: MemoryDependencies, state: MachineState): () => boolean {
  let done = 0;
  return () => {
    while (done < MACHINES && readState(workdir, `req-${done}`) === state) done++;
    return done === MACHINES;
  };
}

/** Lets the loop run, as `serve` does, until all is done; that may take so long, and so many syncs in a row. */
async function until(
  isDone: () => boolean,
  dependencies: MemoryDependencies,
  { make, seconds, syncs }: { make: (wake: () => void) => Loop; seconds: number; syncs: number },
): Promise<void> {
  const { clock, random } = dependencies;
  const { inARow } = slowDown(dependencies);
  const runner = new LoopRunner({ clock, random, periodMs: 1_000 });
  const stop = new AbortController();
  const beganMs = clock.monotonic();
  const running = runner.run(make(runner.wake), stop.signal);
  await clock.runUntil(isDone);
  stop.abort();
  await clock.runWhile(running);
  const took = (clock.monotonic() - beganMs) / 1000;
  assert.ok(took <= seconds, `it took ${took} s`);
  assert.ok(inARow() <= syncs, `${inARow()} syncs were waited for, one after the other`);
}

// With one sync after the other, the following took 400 s, 511 s and 438 s, 10,000 to 11,000 syncs, and the event loop stood.

Deno.test("10,000 machines are rejected by far sooner than with one sync after the other", async () => {
  const dependencies = memoryDependencies({ concurrency: 32 });
  await ask(dependencies, "req", MACHINES);
  dependencies.kube.fail("createPod", new KubeError("quota", "exceeded quota"));
  const make = (wake: () => void) => new RequestMachinesWatcher(dependencies, wake);
  await until(haveAll(dependencies, "failed"), dependencies, { make, seconds: 35, syncs: 750 });
});

Deno.test("10,000 machines that the cluster takes away are seen gone by far sooner than with one sync after the other", async () => {
  const dependencies = await created({ phase: "Running" }, "running");
  const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  for (const pod of dependencies.kube.pods.values()) pods.event("DELETED", deleted(structuredClone(pod)));
  await until(haveAll(dependencies, "deleted"), dependencies, { make: () => pods, seconds: 55, syncs: 1_050 });
});

Deno.test("10,000 machines are given up by far sooner than with one sync after the other", async () => {
  const dependencies = await created({ phase: "Pending" }, "pending");
  const limits = { podTimeoutSeconds: 300, imagePullGraceSeconds: 60 };
  const make = (wake: () => void) => new TimeoutsWatcher(dependencies, { ...limits, wake });
  await until(haveAll(dependencies, "failed"), dependencies, { make, seconds: 100, syncs: 1_000 });
});

Deno.test("1,000 requests of one machine each are handled, and given back, in a few dozen syncs in a row", async () => {
  const dependencies = memoryDependencies({ concurrency: 32 });
  const { workdir, files } = dependencies;
  const ids = Array.from({ length: 1_000 }, (_, i) => `r${i}`);
  for (const id of ids) await ask(dependencies, id, 1);
  const requests = (wake: () => void) => new RequestMachinesWatcher(dependencies, wake);
  const areHandled = () => ids.every((id) => isProcessed(workdir, id));
  await until(areHandled, dependencies, { make: requests, seconds: 5, syncs: 70 });
  files.syncing = () => undefined;
  for (const id of ids) {
    writeState(workdir, `${id}-0`, "deleted");
    await giveBack(dependencies, `back${id}`, `${id}-0`);
  }
  const returns = (wake: () => void) => new RequestReturnMachinesWatcher(dependencies, wake);
  const areGivenBack = () => ids.every((id) => isReturnProcessed(workdir, `back${id}`));
  await until(areGivenBack, dependencies, { make: returns, seconds: 5, syncs: 70 });
});

Deno.test("a verb waits for as many syncs, one after the other, for 10,000 machines as for one", async () => {
  const counts = [];
  for (const machineCount of [1, MACHINES]) {
    const provider = memoryProvider({ requestId: "req" });
    const { inARow } = slowDown(provider);
    const { clock } = provider;
    await clock.runWhile(requestMachines(provider, { template: { templateId: "T", machineCount } }));
    const asked = inARow();
    const machines = Array.from({ length: machineCount }, (_, i) => ({ name: `req-${i}` }));
    const other = memoryProvider({ files: provider.files, clock, requestId: "ret" });
    await clock.runWhile(requestReturnMachines(other, { machines }));
    counts.push([asked, inARow() - asked]);
  }
  assert.deepEqual(counts, [[2, 2], [2, 2]]);
});
