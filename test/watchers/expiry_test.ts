import assert from "node:assert/strict";
import type { PodStatus } from "../../src/kube/types.ts";
import { decideExpiry, ExpiryWatcher } from "../../src/watchers/expiry.ts";
import { podFileText } from "../../src/watchers/pod_file.ts";
import { readMachineRecord, readStatusWord, writeStatusWord } from "../../src/workdir/machines.ts";
import { settleMachine } from "../../src/workdir/requests.ts";
import { ask, giveBack, type MemoryWatching, memoryWatching, ourPod, run } from "../support/memory_watching.ts";

const pod = { uid: "u", resourceVersion: "1", privateIpAddress: "", createdAt: 1_000, deletionAt: undefined };
const givenUp = { up: false, returned: false, givenUp: true, message: "x" };
for (
  const [word, age, others, decision] of [
    ["pending", 300, {}, "stays"],
    ["pending", 301, {}, "expires"],
    ["creating", 301, {}, "expires"],
    ["running", 9_999, {}, "stays"],
    ["failed", 9_999, {}, "stays"],
    ["unknown", 9_999, {}, "stays"],
    ["pending", 9_999, { returned: true }, "stays"],
    ["failed", 1, { record: givenUp }, "delete"],
    ["failed", 1, { record: givenUp, returned: true }, "stays"],
    ["deleted", 1, { record: givenUp }, "delete"],
    ["pending", 301, { record: { ...givenUp, givenUp: false } }, "expires"],
  ] as const
) {
  Deno.test(`a pod that is ${word}, ${age} s old, with ${JSON.stringify(others)}: ${decision}`, () => {
    const machine = { word, record: undefined, pod, returned: false, ...others };
    assert.equal(decideExpiry(machine, { now: 1_000 + age, podTimeoutSeconds: 300 }), decision);
  });
}

/** A machine that has been pending for so long. */
function pending(ageSeconds: number, status: PodStatus = { phase: "Pending" }): MemoryWatching {
  const watching = memoryWatching();
  ask(watching, "req", 1);
  settleMachine(watching.workdir, "req", "req-0");
  const creationTimestamp = new Date(watching.clock.now() - ageSeconds * 1000).toISOString();
  const stored = watching.kube.put(ourPod("req-0", status, { creationTimestamp }));
  watching.files.writeText("/work/pods/req-0", podFileText(stored));
  writeStatusWord(watching.workdir, "req-0", "pending");
  return watching;
}

const watcherOf = (watching: MemoryWatching, dryRun = false) =>
  new ExpiryWatcher(watching, { podTimeoutSeconds: 300, dryRun, wake: () => {} });

const reasons: [what: string, status: PodStatus, message: string][] = [
  ["cannot be scheduled", {
    phase: "Pending",
    conditions: [{
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "0/3 nodes: Insufficient cpu",
    }],
  }, "Not running after 300 s: Unschedulable: 0/3 nodes: Insufficient cpu"],
  ["cannot pull its image", {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "True" }],
    containerStatuses: [{
      name: "c",
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } },
    }],
  }, "Not running after 300 s: container c: ImagePullBackOff: Back-off pulling image"],
  ["says nothing", { phase: "Pending" }, "Not running after 300 s: not scheduled"],
];
for (const [what, status, message] of reasons) {
  Deno.test(`a machine that is pending too long fails with the cluster's reason: one that ${what}`, async () => {
    const watching = pending(301, status);
    await run(watcherOf(watching), watching, 1_000);
    assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
    assert.equal(readMachineRecord(watching.workdir, "req-0")?.message, message);
    assert.equal(readMachineRecord(watching.workdir, "req-0")?.givenUp, true);
    assert.equal(watching.kube.pods.size, 0);
    assert.equal(watching.kube.calls[0]?.uid, "uid-req-0");
  });
}

Deno.test("a machine is given up when its time is over, not before", async () => {
  const watching = pending(0);
  const watcher = watcherOf(watching);
  await run(watcher, watching, 299_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "pending");
  await run(watcher, watching, 20_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
});

Deno.test("a dry run changes nothing", async () => {
  const watching = pending(1_000);
  const before = watching.files.tree("/work");
  await run(watcherOf(watching, true), watching, 20_000);
  assert.deepEqual(watching.files.tree("/work"), before);
  assert.deepEqual(watching.kube.calls, []);
});

Deno.test("a machine that Symphony has given back is not given up here", async () => {
  const watching = pending(1_000);
  giveBack(watching, "ret", "req-0");
  await run(watcherOf(watching), watching, 20_000);
  assert.deepEqual(watching.kube.calls, []);
});

Deno.test("that a machine was given up outlasts a power failure before its pod is deleted", async () => {
  const watching = pending(1_000);
  for (const path of ["machines", "pods", "pods-status", "requests"]) watching.files.sync(`/work/${path}`);
  const deletePod = watching.kube.deletePod.bind(watching.kube);
  let atDelete: string | undefined;
  watching.kube.deletePod = async (name, options) => {
    atDelete = watching.files.crash("synced").tree("/work/machines")["req-0"];
    await deletePod(name, options);
  };
  await run(watcherOf(watching), watching, 1_000);
  assert.match(atDelete ?? "nothing", /"givenUp":true/);
});
