import assert from "node:assert/strict";
import { KubeError } from "../../src/kube/errors.ts";
import type { Pod, PodStatus } from "../../src/kube/types.ts";
import { decideExpiry, ExpiryWatcher } from "../../src/watchers/expiry.ts";
import { podFileText } from "../../src/watchers/pod_file.ts";
import { readMachineRecord, readStatusWord, writeStatusWord } from "../../src/workdir/machines.ts";
import { settleMachine } from "../../src/workdir/requests.ts";
import { noSpace, notPermitted } from "../support/memory_files.ts";
import { ask, giveBack, type MemoryWatching, memoryWatching, ourPod, run } from "../support/memory_watching.ts";

const pod = { uid: "u", resourceVersion: "1", privateIpAddress: "", createdAt: 1_000, deletionAt: undefined };
const givenUp = { up: false, returned: false, givenUp: true, message: "x" };
for (
  const [word, age, others, decision] of [
    ["pending", 300, {}, "stays"],
    ["pending", 301, {}, "ask"],
    ["creating", 301, {}, "ask"],
    ["running", 9_999, {}, "stays"],
    ["failed", 9_999, {}, "stays"],
    ["unknown", 9_999, {}, "stays"],
    ["pending", 9_999, { returned: true }, "stays"],
    ["failed", 1, { record: givenUp }, "delete"],
    ["failed", 1, { record: givenUp, returned: true }, "stays"],
    ["deleted", 1, { record: givenUp }, "delete"],
    ["pending", 301, { record: { ...givenUp, givenUp: false } }, "ask"],
    ["pending", 301, { pod: { ...pod, createdAt: undefined } }, "stays"],
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
    assert.deepEqual(watching.kube.calls.map(({ call, uid }) => [call, uid]), [
      ["getPod", undefined],
      ["deletePod", "uid-req-0"],
    ]);
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

for (const localMs of [-600_000, 600_000]) {
  Deno.test(`a pod's age is counted by the cluster's clock, also where ours is set by ${localMs} ms`, async () => {
    const watching = pending(0);
    const watcher = watcherOf(watching);
    watching.clock.setNow(watching.clock.now() + localMs);
    await run(watcher, watching, 295_000);
    assert.equal(readStatusWord(watching.workdir, "req-0"), "pending");
    await run(watcher, watching, 20_000);
    assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
  });
}

Deno.test("before the cluster has told its time nothing is given up; it is asked for it, and then that is done", async () => {
  const watching = pending(1_000);
  const { kube } = watching;
  kube.aheadMs = undefined;
  kube.fail("listPods", new KubeError("unavailable", "away"));
  const watcher = watcherOf(watching);
  await run(watcher, watching, 60_000);
  assert.deepEqual([...new Set(kube.calls.map(({ call }) => call))], ["listPods"]);
  assert.ok(kube.calls.length <= 12, `${kube.calls.length} calls in a minute`);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "pending");
  kube.recover();
  const listPods = kube.listPods.bind(kube);
  kube.listPods = (options) => {
    kube.aheadMs = 0;
    return listPods(options);
  };
  await watching.clock.advance(30_000);
  await watcher.step(watching.stopping);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
});

Deno.test("a dry run changes nothing", async () => {
  const watching = pending(1_000);
  const before = watching.files.tree("/work");
  await run(watcherOf(watching, true), watching, 20_000);
  assert.deepEqual(watching.files.tree("/work"), before);
  assert.deepEqual(watching.kube.calls.map(({ call }) => call), ["getPod"]);
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

const onTheCluster: [what: string, pod: Pod | undefined][] = [
  ["is gone", undefined],
  ["runs by now", ourPod("req-0", { phase: "Running" }, { creationTimestamp: "2026-11-19T23:00:00Z" })],
  ["is another by now", ourPod("req-0", { phase: "Pending" }, { uid: "another" })],
  ["is not that old", ourPod("req-0", { phase: "Pending" }, { creationTimestamp: "2026-11-20T00:00:00Z" })],
];
for (const [what, pod] of onTheCluster) {
  Deno.test(`old files give nothing up: a machine whose pod on the cluster ${what} is left to the pods' watcher`, async () => {
    const watching = pending(1_000);
    watching.kube.pods.clear();
    if (pod) watching.kube.put(pod);
    await run(watcherOf(watching), watching, 60_000);
    assert.equal(readStatusWord(watching.workdir, "req-0"), "pending");
    assert.equal(readMachineRecord(watching.workdir, "req-0"), undefined);
    assert.equal(watching.kube.pods.size, pod ? 1 : 0);
    assert.deepEqual(watching.kube.named("deletePod"), []);
    assert.ok(watching.kube.calls.length <= 3, `asked ${watching.kube.calls.length} times in a minute`);
  });
}

Deno.test("the reason is the one that the cluster gives now, not the one in the file", async () => {
  const watching = pending(1_000, { phase: "Pending", conditions: [] });
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no room" }] as const;
  watching.kube.pods.get("req-0")!.status = { phase: "Pending", conditions: [...conditions] };
  await run(watcherOf(watching), watching, 1_000);
  assert.match(readMachineRecord(watching.workdir, "req-0")?.message ?? "", /Unschedulable: no room/);
});

Deno.test("while the cluster is away nothing is given up and it is asked with growing patience; later it is", async () => {
  const watching = pending(1_000);
  watching.kube.fail("getPod", new KubeError("unavailable", "away"));
  const watcher = watcherOf(watching);
  await run(watcher, watching, 120_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "pending");
  assert.ok(watching.kube.calls.length < 30, `${watching.kube.calls.length} calls`);
  watching.kube.recover();
  await run(watcher, watching, 30_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("however many are pending too long, no more calls are under way than may be, and all are given up", async () => {
  const watching = memoryWatching({ concurrency: 4 });
  watching.kube.latencyMs = 10;
  ask(watching, "req", 30);
  for (let i = 0; i < 30; i++) {
    settleMachine(watching.workdir, "req", `req-${i}`);
    const stored = watching.kube.put(ourPod(`req-${i}`, {}, { creationTimestamp: "2026-11-19T23:00:00Z" }));
    watching.files.writeText(`/work/pods/req-${i}`, podFileText(stored));
    writeStatusWord(watching.workdir, `req-${i}`, "pending");
  }
  const step = run(watcherOf(watching), watching, 0);
  await watching.clock.runWhile(step);
  await watching.clock.advance(5_000);
  assert.equal(watching.kube.pods.size, 0);
  assert.ok(watching.kube.mostInFlight <= 8, `${watching.kube.mostInFlight}`); // Gets and deletes have their own.
});

Deno.test("a full disk delays giving up, and no pod is deleted before it is written down", async () => {
  const watching = pending(1_000);
  watching.files.failWhere(({ name }) => name === "writeText", noSpace());
  const watcher = watcherOf(watching);
  await run(watcher, watching, 60_000);
  assert.equal(watching.kube.pods.size, 1);
  watching.files.before = () => {};
  await run(watcher, watching, 30_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("a pod file that cannot be read, or is a directory, holds up no other", async () => {
  const watching = pending(1_000);
  watching.files.makeDirectory("/work/pods/dir-0");
  watching.files.writeText("/work/pods/locked-0", "");
  watching.files.failWhere(({ paths }) => paths[0] === "/work/pods/locked-0", notPermitted());
  await run(watcherOf(watching), watching, 1_000);
  assert.equal(readStatusWord(watching.workdir, "req-0"), "failed");
});
