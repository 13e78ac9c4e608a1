import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Pod, PodCondition, PodStatus } from "../../../src/kube/types.ts";
import { TimeoutsWatcher } from "../../../src/watchers/timeouts/watcher.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import { writeObservations } from "../../../src/watchers/pods/observations.ts";
import { readState, readTombstone, writeState } from "../../../src/workdir/machines.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import {
  ask,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";

/** A machine that has been pending for so long. */
async function pending(ageSeconds: number, status: PodStatus = { phase: "Pending" }): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  const creationTimestamp = new Date(dependencies.clock.now() - ageSeconds * 1000).toISOString();
  const stored = dependencies.kube.put(ourPod("req-0", status, { creationTimestamp }));
  dependencies.files.writeText("/work/pods/req-0", podFileText(stored));
  writeState(dependencies.workdir, "req-0", "pending");
  return dependencies;
}

const waiting = (reason: string): PodStatus => ({
  phase: "Pending",
  conditions: [{ type: "PodScheduled", status: "True" }],
  containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { waiting: { reason } } }],
});

const watcherOf = (dependencies: MemoryDependencies, dryRun = false) =>
  new TimeoutsWatcher(dependencies, { podTimeoutSeconds: 300, imagePullGraceSeconds: 60, dryRun, wake: () => {} });

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
    const dependencies = await pending(301, status);
    await run(watcherOf(dependencies), dependencies, 1_000);
    assert.equal(readState(dependencies.workdir, "req-0"), "failed");
    assert.equal(readTombstone(dependencies.workdir, "req-0")?.message, message);
    assert.equal(readTombstone(dependencies.workdir, "req-0")?.givenUp, true);
    assert.equal(dependencies.kube.pods.size, 0);
    assert.deepEqual(dependencies.kube.calls.map(({ call, uid }) => [call, uid]), [
      ["getPod", undefined],
      ["deletePod", "uid-req-0"],
    ]);
  });
}

Deno.test("a machine is given up when its time is over, not before", async () => {
  const dependencies = await pending(0);
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 299_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "pending");
  await run(watcher, dependencies, 20_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
});

for (const localMs of [-600_000, 600_000]) {
  Deno.test(`a pod's age is counted by the cluster's clock, also where ours is set by ${localMs} ms`, async () => {
    const dependencies = await pending(0);
    const watcher = watcherOf(dependencies);
    dependencies.clock.setNow(dependencies.clock.now() + localMs);
    await run(watcher, dependencies, 295_000);
    assert.equal(readState(dependencies.workdir, "req-0"), "pending");
    await run(watcher, dependencies, 20_000);
    assert.equal(readState(dependencies.workdir, "req-0"), "failed");
  });
}

Deno.test("before the cluster has told its time nothing is given up; it is asked for it, and then that is done", async () => {
  const dependencies = await pending(1_000);
  const { kube } = dependencies;
  kube.aheadMs = undefined;
  kube.fail("listPods", new KubeError("unavailable", "away"));
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 60_000);
  assert.deepEqual([...new Set(kube.calls.map(({ call }) => call))], ["listPods"]);
  assert.ok(kube.calls.length <= 12, `${kube.calls.length} calls in a minute`);
  assert.equal(readState(dependencies.workdir, "req-0"), "pending");
  kube.recover();
  const listPods = kube.listPods.bind(kube);
  kube.listPods = (options) => {
    kube.aheadMs = 0;
    return listPods(options);
  };
  await dependencies.clock.advance(30_000);
  await watcher.step(dependencies.stopping);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
});

/** What the pods' watcher does with what the cluster holds now. */
async function see(dependencies: MemoryDependencies): Promise<void> {
  await writeObservations(dependencies, [["req-0", {
    pod: dependencies.kube.put(dependencies.kube.pods.get("req-0")!),
  }]]);
}

Deno.test("an image that cannot be pulled is waited for, but not longer than the grace, also by processes that live briefly", async () => {
  const dependencies = await pending(0, waiting("ErrImagePull"));
  await see(dependencies);
  await dependencies.clock.advance(30_000);
  dependencies.kube.pods.get("req-0")!.status = waiting("ImagePullBackOff");
  await see(dependencies);
  await watcherOf(dependencies).step(dependencies.stopping);
  await dependencies.clock.advance(30_000);
  await watcherOf(dependencies).step(dependencies.stopping);
  assert.equal(readState(dependencies.workdir, "req-0"), "pending");
  await dependencies.clock.advance(1_000);
  await watcherOf(dependencies).step(dependencies.stopping);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
  assert.match(readTombstone(dependencies.workdir, "req-0")?.message ?? "", /^Image not pulled within 60 s/);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("an image that was pulled in the end gives nothing up, whatever the files say", async () => {
  const dependencies = await pending(0, waiting("ErrImagePull"));
  await see(dependencies);
  dependencies.kube.pods.get("req-0")!.status = waiting("ContainerCreating");
  await run(watcherOf(dependencies), dependencies, 90_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "pending");
  assert.deepEqual(dependencies.kube.named("deletePod"), []);
});

Deno.test("a machine that crashes from its start on is given up though it runs, and says why", async () => {
  const dependencies = await pending(0, { phase: "Running" });
  const watcher = watcherOf(dependencies);
  await see(dependencies);
  await run(watcher, dependencies, 20_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "running");
  const finishedAt = new Date(dependencies.clock.now()).toISOString();
  dependencies.kube.pods.get("req-0")!.status = {
    phase: "Running",
    containerStatuses: [{
      name: "c",
      ready: false,
      restartCount: 5,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 1, reason: "Error", finishedAt } },
    }],
  };
  await see(dependencies);
  await run(watcher, dependencies, 10_000);
  const { message, up } = readTombstone(dependencies.workdir, "req-0") ?? {};
  assert.match(
    message ?? "",
    /^Crash loop: container c: CrashLoopBackOff; it was restarted 5 times.*Error \(exit code 1\)/,
  );
  assert.equal(up, true);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("machines that run are read once, and again only where their pods change", async () => {
  const dependencies = await pending(0, { phase: "Running" });
  await see(dependencies);
  const reads: string[] = [];
  const readText = dependencies.files.readText.bind(dependencies.files);
  dependencies.files.readText = (path) => {
    reads.push(path);
    return readText(path);
  };
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 60_000);
  assert.deepEqual(reads.filter((path) => path === "/work/pods/req-0").length, 1);
  await see(dependencies);
  reads.length = 0;
  await run(watcher, dependencies, 60_000);
  assert.deepEqual(reads.filter((path) => path === "/work/pods/req-0").length, 1);
});

Deno.test("while no pod changes, machines that run are not looked at at all but once a minute", async () => {
  const dependencies = await pending(10, { phase: "Running" });
  writeState(dependencies.workdir, "req-0", "running");
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 10_000);
  let looks = 0;
  dependencies.files.before = ({ paths }) => looks += paths[0] === "/work/pods-status/req-0" ? 1 : 0;
  await run(watcher, dependencies, 120_000);
  assert.ok(looks >= 2 && looks <= 3, `looked ${looks} times in two minutes`);
  dependencies.files.before = () => {};
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
  const pod = dependencies.kube.put(ourPod("req-0", { ...status, phase: "Pending" }, { resourceVersion: "2" }));
  await writeObservations(dependencies, [["req-0", { pod }]]);
  writeState(dependencies.workdir, "req-0", "pending");
  await run(watcher, dependencies, 6_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
});

Deno.test("a machine that runs but is not Ready in time is given up, one that was Ready is not", async () => {
  for (const becameReadyAt of [1, 2]) {
    const conditions: PodCondition[] = [
      { type: "Initialized", status: "True", lastTransitionTime: "2026-11-20T00:00:01Z" },
      { type: "Ready", status: "False", reason: "Why", lastTransitionTime: `2026-11-20T00:00:0${becameReadyAt}Z` },
    ];
    const dependencies = await pending(301, { phase: "Running", conditions });
    dependencies.kube.pods.get("req-0")!.metadata.annotations = { "symphony/hostfactory-request": '{"up":"Ready"}' };
    await run(watcherOf(dependencies), dependencies, 10_000);
    const { message } = readTombstone(dependencies.workdir, "req-0") ?? {};
    assert.equal(message, becameReadyAt === 1 ? "Not ready after 300 s: Why" : undefined);
  }
});

Deno.test("a dry run changes nothing", async () => {
  const dependencies = await pending(1_000);
  const before = dependencies.files.tree("/work");
  await run(watcherOf(dependencies, true), dependencies, 20_000);
  assert.deepEqual(dependencies.files.tree("/work"), before);
  assert.deepEqual(dependencies.kube.calls.map(({ call }) => call), ["getPod"]);
});

/** A machine whose pod is seen to have ended now. */
async function ended(phase: "Failed" | "Succeeded"): Promise<MemoryDependencies> {
  const dependencies = await pending(0);
  dependencies.kube.pods.get("req-0")!.status = { phase };
  await see(dependencies);
  return dependencies;
}

for (const phase of ["Failed", "Succeeded"] as const) {
  Deno.test(`a pod that has ${phase.toLowerCase()} stays for an hour by the cluster's clock, and is deleted then`, async () => {
    const dependencies = await ended(phase);
    dependencies.clock.setNow(dependencies.clock.now() + 24 * 3_600_000);
    await dependencies.clock.advance(3_595_000);
    const watcher = watcherOf(dependencies);
    await run(watcher, dependencies, 5_000);
    assert.deepEqual(dependencies.kube.calls, []);
    await run(watcher, dependencies, 35_000);
    assert.deepEqual(dependencies.kube.calls.map(({ call, uid }) => [call, uid]), [["deletePod", "uid-req-0"]]);
    assert.equal(dependencies.kube.pods.size, 0);
    assert.equal(readState(dependencies.workdir, "req-0"), phase.toLowerCase());
  });
}

Deno.test("a pod that has ended and that Symphony gave back is left to whoever deletes it at once", async () => {
  const dependencies = await ended("Failed");
  await giveBack(dependencies, "ret", "req-0");
  await dependencies.clock.advance(7_200_000);
  await run(watcherOf(dependencies), dependencies, 20_000);
  assert.deepEqual(dependencies.kube.calls, []);
});

Deno.test("a pod that has ended is not deleted before a power failure can make no one forget how", async () => {
  const dependencies = await ended("Succeeded");
  dependencies.files.before = ({ name, paths: [path] }) => {
    if (name === "sync" && path === "/work/machines") throw noSpace();
  };
  await dependencies.clock.advance(3_601_000);
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 20_000);
  assert.equal(dependencies.kube.pods.size, 1);
  dependencies.files.before = () => {};
  await run(watcher, dependencies, 60_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("pods that have ended are read now and then while they stay", async () => {
  const dependencies = await ended("Failed");
  let reads = 0;
  dependencies.files.before = ({ name, paths: [path] }) =>
    void (reads += Number(name === "readText" && path === "/work/pods/req-0"));
  await run(watcherOf(dependencies), dependencies, 300_000);
  assert.ok(reads <= 11, `read ${reads} times in five minutes`);
});

Deno.test("a machine that Symphony has given back is not given up here", async () => {
  const dependencies = await pending(1_000);
  await giveBack(dependencies, "ret", "req-0");
  await run(watcherOf(dependencies), dependencies, 20_000);
  assert.deepEqual(dependencies.kube.calls, []);
});

Deno.test("that a machine was given up outlasts a power failure before its pod is deleted", async () => {
  const dependencies = await pending(1_000);
  for (const path of ["machines", "pods", "pods-status", "requests"]) await dependencies.files.sync(`/work/${path}`);
  const deletePod = dependencies.kube.deletePod.bind(dependencies.kube);
  let atDelete: string | undefined;
  dependencies.kube.deletePod = async (name, options) => {
    atDelete = dependencies.files.crash("synced").tree("/work/machines")["req-0"];
    await deletePod(name, options);
  };
  await run(watcherOf(dependencies), dependencies, 1_000);
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
    const dependencies = await pending(1_000);
    dependencies.kube.pods.clear();
    if (pod) dependencies.kube.put(pod);
    await run(watcherOf(dependencies), dependencies, 60_000);
    assert.equal(readState(dependencies.workdir, "req-0"), "pending");
    assert.equal(readTombstone(dependencies.workdir, "req-0"), undefined);
    assert.equal(dependencies.kube.pods.size, pod ? 1 : 0);
    assert.deepEqual(dependencies.kube.named("deletePod"), []);
    assert.ok(dependencies.kube.calls.length <= 3, `asked ${dependencies.kube.calls.length} times in a minute`);
  });
}

Deno.test("the reason is the one that the cluster gives now, not the one in the file", async () => {
  const dependencies = await pending(1_000, { phase: "Pending", conditions: [] });
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no room" }] as const;
  dependencies.kube.pods.get("req-0")!.status = { phase: "Pending", conditions: [...conditions] };
  await run(watcherOf(dependencies), dependencies, 1_000);
  assert.match(readTombstone(dependencies.workdir, "req-0")?.message ?? "", /Unschedulable: no room/);
});

Deno.test("while the cluster is away nothing is given up and it is asked with growing patience; later it is", async () => {
  const dependencies = await pending(1_000);
  dependencies.kube.fail("getPod", new KubeError("unavailable", "away"));
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 120_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "pending");
  assert.ok(dependencies.kube.calls.length < 30, `${dependencies.kube.calls.length} calls`);
  dependencies.kube.recover();
  await run(watcher, dependencies, 30_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("however many are pending too long, no more calls are under way than may be, and all are given up", async () => {
  const dependencies = memoryDependencies({ concurrency: 4 });
  dependencies.kube.latencyMs = 10;
  await ask(dependencies, "req", 30);
  for (let i = 0; i < 30; i++) {
    settleMachine(dependencies.workdir, "req", `req-${i}`);
    const stored = dependencies.kube.put(ourPod(`req-${i}`, {}, { creationTimestamp: "2026-11-19T23:00:00Z" }));
    dependencies.files.writeText(`/work/pods/req-${i}`, podFileText(stored));
    writeState(dependencies.workdir, `req-${i}`, "pending");
  }
  const watcher = watcherOf(dependencies);
  await dependencies.clock.runWhile(run(watcher, dependencies, 0));
  await dependencies.clock.advance(5_000);
  assert.equal(dependencies.kube.pods.size, 20, "many at once are looked at a second time");
  for (let look = 0; look < 24; look++) {
    await dependencies.clock.runWhile(watcher.step(dependencies.stopping));
    await dependencies.clock.advance(5_000);
  }
  assert.equal(dependencies.kube.pods.size, 0);
  assert.ok(dependencies.kube.mostInFlight <= 8, `${dependencies.kube.mostInFlight}`); // Gets and deletes have their own.
});

Deno.test("a full disk delays giving up, and no pod is deleted before it is written down", async () => {
  const dependencies = await pending(1_000);
  dependencies.files.failWhere(({ name }) => name === "writeText", noSpace());
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 60_000);
  assert.equal(dependencies.kube.pods.size, 1);
  dependencies.files.before = () => {};
  await run(watcher, dependencies, 30_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("a pod file that cannot be read, or is a directory, holds up no other", async () => {
  const dependencies = await pending(1_000);
  dependencies.files.makeDirectory("/work/pods/dir-0");
  dependencies.files.writeText("/work/pods/locked-0", "");
  dependencies.files.failWhere(({ paths }) => paths[0] === "/work/pods/locked-0", notPermitted());
  await run(watcherOf(dependencies), dependencies, 1_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "failed");
});

Deno.test("a machine that comes up while the cluster is slow to answer for another is not given up", async () => {
  const dependencies = await pending(301);
  const { workdir, files, kube, clock } = dependencies;
  const creationTimestamp = new Date(clock.now() - 301_000).toISOString();
  files.writeText("/work/pods/req-1", podFileText(kube.put(ourPod("req-1", undefined, { creationTimestamp }))));
  writeState(workdir, "req-1", "pending");
  const getPod = kube.getPod.bind(kube);
  kube.getPod = async (name, options) => {
    if (name === "req-1") await clock.sleep(20_000);
    return await getPod(name, options);
  };
  const step = watcherOf(dependencies).step(dependencies.stopping);
  await clock.advance(10_000);
  const up = kube.put(ourPod("req-0", { phase: "Running" }, { creationTimestamp }));
  await writeObservations(dependencies, [["req-0", { pod: up }]]);
  await clock.advance(10_000);
  await step;
  assert.equal(readState(workdir, "req-0"), "running");
  assert.equal(readState(workdir, "req-1"), "failed");
});
