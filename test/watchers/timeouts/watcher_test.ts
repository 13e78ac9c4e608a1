import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Pod, PodCondition, PodStatus } from "../../../src/kube/types.ts";
import { TimeoutsWatcher } from "../../../src/watchers/timeouts/watcher.ts";
import { podFileText } from "../../../src/watchers/work/pod_file.ts";
import { writeObservations } from "../../../src/watchers/pods/observations.ts";
import { readState, readTombstone, writeState } from "../../../src/workdir/machines.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import { ask, giveBack, type MemoryWatching, memoryWatching, ourPod, run } from "../../support/memory_watching.ts";

/** A machine that has been pending for so long. */
async function pending(ageSeconds: number, status: PodStatus = { phase: "Pending" }): Promise<MemoryWatching> {
  const watching = memoryWatching();
  await ask(watching, "req", 1);
  settleMachine(watching.workdir, "req", "req-0");
  const creationTimestamp = new Date(watching.clock.now() - ageSeconds * 1000).toISOString();
  const stored = watching.kube.put(ourPod("req-0", status, { creationTimestamp }));
  watching.files.writeText("/work/pods/req-0", podFileText(stored));
  writeState(watching.workdir, "req-0", "pending");
  return watching;
}

const waiting = (reason: string): PodStatus => ({
  phase: "Pending",
  conditions: [{ type: "PodScheduled", status: "True" }],
  containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { waiting: { reason } } }],
});

const watcherOf = (watching: MemoryWatching, dryRun = false) =>
  new TimeoutsWatcher(watching, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, dryRun, wake: () => {} });

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
    const watching = await pending(301, status);
    await run(watcherOf(watching), watching, 1_000);
    assert.equal(readState(watching.workdir, "req-0"), "failed");
    assert.equal(readTombstone(watching.workdir, "req-0")?.message, message);
    assert.equal(readTombstone(watching.workdir, "req-0")?.givenUp, true);
    assert.equal(watching.kube.pods.size, 0);
    assert.deepEqual(watching.kube.calls.map(({ call, uid }) => [call, uid]), [
      ["getPod", undefined],
      ["deletePod", "uid-req-0"],
    ]);
  });
}

Deno.test("a machine is given up when its time is over, not before", async () => {
  const watching = await pending(0);
  const watcher = watcherOf(watching);
  await run(watcher, watching, 299_000);
  assert.equal(readState(watching.workdir, "req-0"), "pending");
  await run(watcher, watching, 20_000);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
});

for (const localMs of [-600_000, 600_000]) {
  Deno.test(`a pod's age is counted by the cluster's clock, also where ours is set by ${localMs} ms`, async () => {
    const watching = await pending(0);
    const watcher = watcherOf(watching);
    watching.clock.setNow(watching.clock.now() + localMs);
    await run(watcher, watching, 295_000);
    assert.equal(readState(watching.workdir, "req-0"), "pending");
    await run(watcher, watching, 20_000);
    assert.equal(readState(watching.workdir, "req-0"), "failed");
  });
}

Deno.test("before the cluster has told its time nothing is given up; it is asked for it, and then that is done", async () => {
  const watching = await pending(1_000);
  const { kube } = watching;
  kube.aheadMs = undefined;
  kube.fail("listPods", new KubeError("unavailable", "away"));
  const watcher = watcherOf(watching);
  await run(watcher, watching, 60_000);
  assert.deepEqual([...new Set(kube.calls.map(({ call }) => call))], ["listPods"]);
  assert.ok(kube.calls.length <= 12, `${kube.calls.length} calls in a minute`);
  assert.equal(readState(watching.workdir, "req-0"), "pending");
  kube.recover();
  const listPods = kube.listPods.bind(kube);
  kube.listPods = (options) => {
    kube.aheadMs = 0;
    return listPods(options);
  };
  await watching.clock.advance(30_000);
  await watcher.step(watching.stopping);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
});

/** What the pods' watcher does with what the cluster holds now. */
async function see(watching: MemoryWatching): Promise<void> {
  await writeObservations(watching, [["req-0", { pod: watching.kube.put(watching.kube.pods.get("req-0")!) }]]);
}

Deno.test("an image that cannot be pulled is waited for, but not longer than the grace, also by processes that live briefly", async () => {
  const watching = await pending(0, waiting("ErrImagePull"));
  await see(watching);
  await watching.clock.advance(30_000);
  watching.kube.pods.get("req-0")!.status = waiting("ImagePullBackOff");
  await see(watching);
  await watcherOf(watching).step(watching.stopping);
  await watching.clock.advance(30_000);
  await watcherOf(watching).step(watching.stopping);
  assert.equal(readState(watching.workdir, "req-0"), "pending");
  await watching.clock.advance(1_000);
  await watcherOf(watching).step(watching.stopping);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
  assert.match(readTombstone(watching.workdir, "req-0")?.message ?? "", /^Image not pulled within 60 s/);
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("an image that was pulled in the end gives nothing up, whatever the files say", async () => {
  const watching = await pending(0, waiting("ErrImagePull"));
  await see(watching);
  watching.kube.pods.get("req-0")!.status = waiting("ContainerCreating");
  await run(watcherOf(watching), watching, 90_000);
  assert.equal(readState(watching.workdir, "req-0"), "pending");
  assert.deepEqual(watching.kube.named("deletePod"), []);
});

Deno.test("a machine that crashes from its start on is given up though it runs, and says why", async () => {
  const watching = await pending(0, { phase: "Running" });
  const watcher = watcherOf(watching);
  await see(watching);
  await run(watcher, watching, 20_000);
  assert.equal(readState(watching.workdir, "req-0"), "running");
  const finishedAt = new Date(watching.clock.now()).toISOString();
  watching.kube.pods.get("req-0")!.status = {
    phase: "Running",
    containerStatuses: [{
      name: "c",
      ready: false,
      restartCount: 5,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 1, reason: "Error", finishedAt } },
    }],
  };
  await see(watching);
  await run(watcher, watching, 10_000);
  const { message, up } = readTombstone(watching.workdir, "req-0") ?? {};
  assert.match(
    message ?? "",
    /^Crash loop: container c: CrashLoopBackOff; it was restarted 5 times.*Error \(exit code 1\)/,
  );
  assert.equal(up, true);
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("machines that run are read once, and again only where their pods change", async () => {
  const watching = await pending(0, { phase: "Running" });
  await see(watching);
  const reads: string[] = [];
  const readText = watching.files.readText.bind(watching.files);
  watching.files.readText = (path) => {
    reads.push(path);
    return readText(path);
  };
  const watcher = watcherOf(watching);
  await run(watcher, watching, 60_000);
  assert.deepEqual(reads.filter((path) => path === "/work/pods/req-0").length, 1);
  await see(watching);
  reads.length = 0;
  await run(watcher, watching, 60_000);
  assert.deepEqual(reads.filter((path) => path === "/work/pods/req-0").length, 1);
});

Deno.test("while no pod changes, machines that run are not looked at at all but once a minute", async () => {
  const watching = await pending(10, { phase: "Running" });
  writeState(watching.workdir, "req-0", "running");
  const watcher = watcherOf(watching);
  await run(watcher, watching, 10_000);
  let looks = 0;
  watching.files.before = ({ paths }) => looks += paths[0] === "/work/pods-status/req-0" ? 1 : 0;
  await run(watcher, watching, 120_000);
  assert.ok(looks >= 2 && looks <= 3, `looked ${looks} times in two minutes`);
  watching.files.before = () => {};
  // One that crashes is looked at with the next step.
  const status: PodStatus = {
    phase: "Running",
    containerStatuses: [{
      name: "c",
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: "InvalidImageName" } },
    }],
  };
  const pod = watching.kube.put(ourPod("req-0", { ...status, phase: "Pending" }, { resourceVersion: "2" }));
  await writeObservations(watching, [["req-0", { pod }]]);
  writeState(watching.workdir, "req-0", "pending");
  await run(watcher, watching, 6_000);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
});

Deno.test("a machine that runs but is not Ready in time is given up, one that was Ready is not", async () => {
  for (const becameReadyAt of [1, 2]) {
    const conditions: PodCondition[] = [
      { type: "Initialized", status: "True", lastTransitionTime: "2026-11-20T00:00:01Z" },
      { type: "Ready", status: "False", reason: "Why", lastTransitionTime: `2026-11-20T00:00:0${becameReadyAt}Z` },
    ];
    const watching = await pending(301, { phase: "Running", conditions });
    watching.kube.pods.get("req-0")!.metadata.annotations = { "symphony/hostfactory-request": '{"up":"Ready"}' };
    await run(watcherOf(watching), watching, 10_000);
    const { message } = readTombstone(watching.workdir, "req-0") ?? {};
    assert.equal(message, becameReadyAt === 1 ? "Not ready after 300 s: Why" : undefined);
  }
});

Deno.test("a dry run changes nothing", async () => {
  const watching = await pending(1_000);
  const before = watching.files.tree("/work");
  await run(watcherOf(watching, true), watching, 20_000);
  assert.deepEqual(watching.files.tree("/work"), before);
  assert.deepEqual(watching.kube.calls.map(({ call }) => call), ["getPod"]);
});

/** A machine whose pod is seen to have ended now. */
async function ended(phase: "Failed" | "Succeeded"): Promise<MemoryWatching> {
  const watching = await pending(0);
  watching.kube.pods.get("req-0")!.status = { phase };
  await see(watching);
  return watching;
}

for (const phase of ["Failed", "Succeeded"] as const) {
  Deno.test(`a pod that has ${phase.toLowerCase()} stays for an hour by the cluster's clock, and is deleted then`, async () => {
    const watching = await ended(phase);
    watching.clock.setNow(watching.clock.now() + 24 * 3_600_000);
    await watching.clock.advance(3_595_000);
    const watcher = watcherOf(watching);
    await run(watcher, watching, 5_000);
    assert.deepEqual(watching.kube.calls, []);
    await run(watcher, watching, 35_000);
    assert.deepEqual(watching.kube.calls.map(({ call, uid }) => [call, uid]), [["deletePod", "uid-req-0"]]);
    assert.equal(watching.kube.pods.size, 0);
    assert.equal(readState(watching.workdir, "req-0"), phase.toLowerCase());
  });
}

Deno.test("a pod that has ended and that Symphony gave back is left to whoever deletes it at once", async () => {
  const watching = await ended("Failed");
  await giveBack(watching, "ret", "req-0");
  await watching.clock.advance(7_200_000);
  await run(watcherOf(watching), watching, 20_000);
  assert.deepEqual(watching.kube.calls, []);
});

Deno.test("a pod that has ended is not deleted before a power failure can make nobody forget how", async () => {
  const watching = await ended("Succeeded");
  watching.files.before = ({ name, paths: [path] }) => {
    if (name === "sync" && path === "/work/machines") throw noSpace();
  };
  await watching.clock.advance(3_601_000);
  const watcher = watcherOf(watching);
  await run(watcher, watching, 20_000);
  assert.equal(watching.kube.pods.size, 1);
  watching.files.before = () => {};
  await run(watcher, watching, 60_000);
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("pods that have ended are read now and then while they stay", async () => {
  const watching = await ended("Failed");
  let reads = 0;
  watching.files.before = ({ name, paths: [path] }) =>
    void (reads += Number(name === "readText" && path === "/work/pods/req-0"));
  await run(watcherOf(watching), watching, 300_000);
  assert.ok(reads <= 11, `read ${reads} times in five minutes`);
});

Deno.test("a machine that Symphony has given back is not given up here", async () => {
  const watching = await pending(1_000);
  await giveBack(watching, "ret", "req-0");
  await run(watcherOf(watching), watching, 20_000);
  assert.deepEqual(watching.kube.calls, []);
});

Deno.test("that a machine was given up outlasts a power failure before its pod is deleted", async () => {
  const watching = await pending(1_000);
  for (const path of ["machines", "pods", "pods-status", "requests"]) await watching.files.sync(`/work/${path}`);
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
    const watching = await pending(1_000);
    watching.kube.pods.clear();
    if (pod) watching.kube.put(pod);
    await run(watcherOf(watching), watching, 60_000);
    assert.equal(readState(watching.workdir, "req-0"), "pending");
    assert.equal(readTombstone(watching.workdir, "req-0"), undefined);
    assert.equal(watching.kube.pods.size, pod ? 1 : 0);
    assert.deepEqual(watching.kube.named("deletePod"), []);
    assert.ok(watching.kube.calls.length <= 3, `asked ${watching.kube.calls.length} times in a minute`);
  });
}

Deno.test("the reason is the one that the cluster gives now, not the one in the file", async () => {
  const watching = await pending(1_000, { phase: "Pending", conditions: [] });
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no room" }] as const;
  watching.kube.pods.get("req-0")!.status = { phase: "Pending", conditions: [...conditions] };
  await run(watcherOf(watching), watching, 1_000);
  assert.match(readTombstone(watching.workdir, "req-0")?.message ?? "", /Unschedulable: no room/);
});

Deno.test("while the cluster is away nothing is given up and it is asked with growing patience; later it is", async () => {
  const watching = await pending(1_000);
  watching.kube.fail("getPod", new KubeError("unavailable", "away"));
  const watcher = watcherOf(watching);
  await run(watcher, watching, 120_000);
  assert.equal(readState(watching.workdir, "req-0"), "pending");
  assert.ok(watching.kube.calls.length < 30, `${watching.kube.calls.length} calls`);
  watching.kube.recover();
  await run(watcher, watching, 30_000);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("however many are pending too long, no more calls are under way than may be, and all are given up", async () => {
  const watching = memoryWatching({ concurrency: 4 });
  watching.kube.latencyMs = 10;
  await ask(watching, "req", 30);
  for (let i = 0; i < 30; i++) {
    settleMachine(watching.workdir, "req", `req-${i}`);
    const stored = watching.kube.put(ourPod(`req-${i}`, {}, { creationTimestamp: "2026-11-19T23:00:00Z" }));
    watching.files.writeText(`/work/pods/req-${i}`, podFileText(stored));
    writeState(watching.workdir, `req-${i}`, "pending");
  }
  const watcher = watcherOf(watching);
  await watching.clock.runWhile(run(watcher, watching, 0));
  await watching.clock.advance(5_000);
  assert.equal(watching.kube.pods.size, 20, "many at once are looked at a second time");
  for (let look = 0; look < 24; look++) {
    await watching.clock.runWhile(watcher.step(watching.stopping));
    await watching.clock.advance(5_000);
  }
  assert.equal(watching.kube.pods.size, 0);
  assert.ok(watching.kube.mostInFlight <= 8, `${watching.kube.mostInFlight}`); // Gets and deletes have their own.
});

Deno.test("a full disk delays giving up, and no pod is deleted before it is written down", async () => {
  const watching = await pending(1_000);
  watching.files.failWhere(({ name }) => name === "writeText", noSpace());
  const watcher = watcherOf(watching);
  await run(watcher, watching, 60_000);
  assert.equal(watching.kube.pods.size, 1);
  watching.files.before = () => {};
  await run(watcher, watching, 30_000);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
  assert.equal(watching.kube.pods.size, 0);
});

Deno.test("a pod file that cannot be read, or is a directory, holds up no other", async () => {
  const watching = await pending(1_000);
  watching.files.makeDirectory("/work/pods/dir-0");
  watching.files.writeText("/work/pods/locked-0", "");
  watching.files.failWhere(({ paths }) => paths[0] === "/work/pods/locked-0", notPermitted());
  await run(watcherOf(watching), watching, 1_000);
  assert.equal(readState(watching.workdir, "req-0"), "failed");
});

Deno.test("a machine that comes up while the cluster is slow to answer for another is not given up", async () => {
  const watching = await pending(301);
  const { workdir, files, kube, clock } = watching;
  const creationTimestamp = new Date(clock.now() - 301_000).toISOString();
  files.writeText("/work/pods/req-1", podFileText(kube.put(ourPod("req-1", undefined, { creationTimestamp }))));
  writeState(workdir, "req-1", "pending");
  const getPod = kube.getPod.bind(kube);
  kube.getPod = async (name, options) => {
    if (name === "req-1") await clock.sleep(20_000);
    return await getPod(name, options);
  };
  const step = watcherOf(watching).step(watching.stopping);
  await clock.advance(10_000);
  const up = kube.put(ourPod("req-0", { phase: "Running" }, { creationTimestamp }));
  await writeObservations(watching, [["req-0", { pod: up }]]);
  await clock.advance(10_000);
  await step;
  assert.equal(readState(workdir, "req-0"), "running");
  assert.equal(readState(workdir, "req-1"), "failed");
});
