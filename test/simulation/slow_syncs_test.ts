/** What a disk costs whose syncs take long, as those of network file systems do: how many are waited for one after the other. */
import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import { LoopRunner } from "../../src/serve/loop_runner.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { ExpiryWatcher } from "../../src/watchers/expiry.ts";
import type { Loop } from "../../src/watchers/outcome.ts";
import { podFileText } from "../../src/watchers/pod_file.ts";
import { PodsWatcher } from "../../src/watchers/pods.ts";
import { RequestMachinesWatcher } from "../../src/watchers/request_machines.ts";
import type { StatusWord } from "../../src/hf/status.ts";
import { readStatusWord, writeStatusWord } from "../../src/workdir/machines.ts";
import { markProcessed, settleMachine } from "../../src/workdir/requests.ts";
import type { MemoryFiles } from "../support/memory_files.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import { ask, type MemoryWatching, memoryWatching, ourPod } from "../support/memory_watching.ts";
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
async function created(status: { phase: "Pending" | "Running" }, word: StatusWord): Promise<MemoryWatching> {
  const watching = memoryWatching({ concurrency: 32 });
  const { workdir, files, kube, clock } = watching;
  await ask(watching, "req", MACHINES);
  const creationTimestamp = new Date(clock.now() - 400_000).toISOString();
  for (let i = 0; i < MACHINES; i++) {
    const name = `req-${i}`;
    settleMachine(workdir, "req", name);
    files.writeText(`/work/pods/${name}`, podFileText(kube.put(ourPod(name, status, { creationTimestamp }))));
    writeStatusWord(workdir, name, word);
  }
  await markProcessed(workdir, "req");
  return watching;
}

/** Lets the loop run, as `serve` does, until every machine has the word. @returns how many seconds that took */
async function until(
  word: StatusWord,
  watching: MemoryWatching,
  make: (wake: () => void) => Loop,
): Promise<number> {
  const { workdir, clock, random } = watching;
  const runner = new LoopRunner({ clock, random, periodMs: 1_000 });
  const stop = new AbortController();
  const beganMs = clock.monotonic();
  const running = runner.run(make(runner.wake), stop.signal);
  let done = 0;
  await clock.runUntil(() => {
    while (done < MACHINES && readStatusWord(workdir, `req-${done}`) === word) done++;
    return done === MACHINES;
  });
  stop.abort();
  await clock.runWhile(running);
  return (clock.monotonic() - beganMs) / 1000;
}

// While each sync waited for all others, each of these took 400 s and more, in which nothing else was done.

Deno.test("10,000 machines are rejected in less time than a sync for each would take", async () => {
  const watching = memoryWatching({ concurrency: 32 });
  await ask(watching, "req", MACHINES);
  watching.kube.fail("createPod", new KubeError("quota", "exceeded quota"));
  const { inARow } = slowDown(watching);
  const seconds = await until("failed", watching, (wake) => new RequestMachinesWatcher(watching, wake));
  console.log(`${seconds} s, ${inARow()} syncs in a row`);
});

Deno.test("10,000 machines that the cluster takes away are seen gone in less time than a sync for each would take", async () => {
  const watching = await created({ phase: "Running" }, "running");
  const pods = new PodsWatcher(watching, { wake: () => {}, changed: () => {} });
  const { inARow } = slowDown(watching);
  for (const pod of watching.kube.pods.values()) pods.event("DELETED", structuredClone(pod));
  const seconds = await until("deleted", watching, () => pods);
  console.log(`${seconds} s, ${inARow()} syncs in a row`);
});

Deno.test("10,000 machines are given up in less time than a sync for each would take", async () => {
  const watching = await created({ phase: "Pending" }, "pending");
  const { inARow } = slowDown(watching);
  const limits = { podTimeoutSeconds: 300, imagePullGraceSeconds: 60 };
  const seconds = await until("failed", watching, (wake) => new ExpiryWatcher(watching, { ...limits, wake }));
  console.log(`${seconds} s, ${inARow()} syncs in a row`);
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
  console.log(counts);
});
