import assert from "node:assert/strict";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { ENDED_GRACE_SECONDS } from "../../src/watchers/timeouts/decide.ts";
import { TimeoutsWatcher } from "../../src/watchers/timeouts/watcher.ts";
import { PodsWatcher } from "../../src/watchers/pods/watcher.ts";
import { RetentionWatcher } from "../../src/watchers/gc/watcher.ts";
import { readState } from "../../src/workdir/machines.ts";
import { readPodFacts } from "../../src/workdir/pod_file.ts";
import { markProcessed, readRequest, settleMachine } from "../../src/workdir/requests.ts";
import { memoryProvider } from "../support/memory_provider.ts";
import { ask, type MemoryDependencies, memoryDependencies, ourPod, run } from "../support/memory_dependencies.ts";

const DAY_MS = 24 * 3_600_000;

/** Requests of machines that end by themselves and that no one gives back, beside one that runs. */
async function furnished(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  for (const [id, phases] of [["old", ["Failed", "Succeeded"]], ["new", ["Running"]]] as const) {
    await ask(dependencies, id, phases.length);
    for (const [i, phase] of phases.entries()) {
      settleMachine(dependencies.workdir, id, `${id}-${i}`);
      dependencies.kube.put(ourPod(`${id}-${i}`, { phase }));
    }
    await markProcessed(dependencies.workdir, id);
  }
  dependencies.kube.pods.get("old-0")!.status = { phase: "Failed", reason: "Evicted", message: "low on memory" };
  for (const path of ["", "/requests", "/requests/old", "/requests/new"]) await dependencies.files.sync(`/work${path}`);
  return dependencies;
}

/** What a daemon does that starts now, is told of all that the cluster holds, and lives until an hour has passed and more. */
async function live(dependencies: MemoryDependencies): Promise<void> {
  const pods = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const loops = [
    pods,
    new TimeoutsWatcher(dependencies, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, wake: () => {} }),
    new RetentionWatcher(dependencies, { retainSeconds: 7 * 24 * 3_600, retainMachines: 1_000 }),
  ];
  for (let round = 0; round < 3; round++) {
    pods.begin();
    pods.page(Array.from(dependencies.kube.pods.values(), (pod) => structuredClone(pod)));
    pods.heard();
    pods.complete();
    for (const loop of loops) await run(loop, dependencies, 2_000);
    if (round === 0) await dependencies.clock.advance(ENDED_GRACE_SECONDS * 1000);
  }
}

/** What Symphony is told of the machines that have ended. */
function told({ files, clock }: MemoryDependencies): string[] {
  const { requests } = getRequestStatus(memoryProvider({ files, clock }), { requests: [{ requestId: "old" }] });
  return requests.flatMap(({ status, machines }) => [
    status,
    ...machines.map(({ name, result, status, machineId, message }) =>
      `${name} ${result} ${status} ${machineId} ${message}`
    ),
  ]);
}

const ANSWER = [
  "complete_with_error",
  "old-0 fail terminated uid-old-0 The pod failed: Evicted: low on memory",
  "old-1 succeed terminated uid-old-1 Allocated by K8s hostfactory",
];

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, what has ended goes, and every answer on it stays (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const dependencies = await furnished();
      const before = dependencies.files.writes.length;
      dependencies.files.killAt(n);
      await live(dependencies).catch(() => {});
      const isOver = dependencies.files.writes.length - before <= n;
      const { clock, kube } = dependencies;
      const after = memoryDependencies({ files: dependencies.files.crash(leaves), clock, kube, seed: 2 });
      await live(after);
      assert.deepEqual(told(after), ANSWER, `killed at ${n}`);
      assert.deepEqual([...kube.pods.keys()], ["new-0"], `killed at ${n}`);
      const { workdir } = after;
      const machines = ["old-0", "old-1", "new-0"];
      assert.deepEqual(machines.map((name) => readState(workdir, name)), ["deleted", "deleted", "running"]);
      assert.deepEqual(machines.map((name) => readPodFacts(workdir, name)?.uid), [undefined, undefined, "uid-new-0"]);
      if (isOver) break;
    }
  });
}

Deno.test("a request whose machines ended by themselves, and that no one gave back, is long past in the end", async () => {
  const dependencies = await furnished();
  for (let day = 0; day < 8; day++) {
    assert.ok(readRequest(dependencies.workdir, "old"), `day ${day}`);
    if (day > 0) assert.deepEqual(told(dependencies), ANSWER);
    await live(dependencies);
    await dependencies.clock.advance(DAY_MS);
  }
  await live(dependencies);
  assert.equal(readRequest(dependencies.workdir, "old"), undefined);
  assert.ok(readRequest(dependencies.workdir, "new"));
  const left = Object.keys(dependencies.files.tree("/work")).filter((path) => path.includes("old"));
  assert.deepEqual(left, []);
});
