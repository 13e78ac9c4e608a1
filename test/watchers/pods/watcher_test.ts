import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Pod, PodCondition } from "../../../src/kube/types.ts";
import { PodsWatcher } from "../../../src/watchers/pods/watcher.ts";
import { writeFinishedNote } from "../../../src/workdir/finished_note.ts";
import { readEvictions } from "../../../src/workdir/evictions.ts";
import { readState, readTombstone, writeState, writeTombstone } from "../../../src/workdir/machines.ts";
import { readPodFacts } from "../../../src/workdir/pod_file.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { readSyncStatus, writeSyncStatus } from "../../../src/workdir/index/sync_status.ts";
import { existingIds, furnishExisting } from "../../support/legacy_workdir.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import {
  ask,
  deleted,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
} from "../../support/memory_dependencies.ts";

/** A watcher whose reflector the test plays: `list` tells it a whole LIST, `go` lets it write down what it was told. */
function watch(dependencies: MemoryDependencies) {
  const watcher = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const go = async () => {
    while (true) {
      const outcome = await watcher.step(dependencies.stopping);
      if (outcome.kind !== "again" || outcome.atMs > dependencies.clock.monotonic()) return;
    }
  };
  const list = (...pods: Pod[]) => {
    watcher.begin();
    watcher.page(pods);
    watcher.heard();
    watcher.complete();
  };
  return { watcher, go, list };
}

const stateOf = ({ workdir }: MemoryDependencies, machine: string) => readState(workdir, machine);
const up = (name: string, version = "1") =>
  ourPod(name, { phase: "Running", podIP: "10.0.0.1" }, { resourceVersion: version });

Deno.test("a list is written down: pods, states, and then the view", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(up("req-0"), ourPod("req-1"));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  assert.equal(stateOf(dependencies, "req-1"), "pending");
  assert.equal(readPodFacts(dependencies.workdir, "req-0")?.privateIpAddress, "10.0.0.1");
  const now = dependencies.clock.now() / 1000;
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), {
    completeAt: now,
    heardAt: now,
    clusterAheadSeconds: 0,
  });
});

Deno.test("neither another pod nor another state is taken for what was written down, though its version is the same", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  await ask(dependencies, "req", 2);
  list(ourPod("req-0", undefined, { resourceVersion: "1" }), up("req-1"));
  await go();
  list(up("req-0"), ourPod("req-1", { phase: "Running" }, { resourceVersion: "1", uid: "another" }));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  assert.equal(readTombstone(dependencies.workdir, "req-1")?.replaced, true);
});

Deno.test("a list that comes right after a restore was noticed settles whether lists are to be believed", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(dependencies.kube.put(up("req-0")));
  await go();
  dependencies.kube.timesRestored++;
  list(dependencies.kube.put(up("req-0", "2")));
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.doubt, undefined);
});

Deno.test("the view says how far the cluster's clock is ahead of ours, once that is known", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.aheadMs = undefined;
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.clusterAheadSeconds, undefined);
  dependencies.kube.aheadMs = -600_000;
  await dependencies.clock.advance(1_000);
  list();
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.clusterAheadSeconds, -600);
});

Deno.test("a pod file holds the legacy plug-in's keys beside ours, and no bookkeeping", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(ourPod("req-0", { phase: "Running", podIP: "10.0.0.1" }, { managedFields: [{}] }));
  await go();
  const file = JSON.parse(dependencies.files.readText("/work/pods/req-0"));
  assert.equal(file.metadata.creation_timestamp, Date.UTC(2026, 10, 20) / 1000);
  assert.equal(file.metadata.deletion_timestamp, null);
  assert.equal(file.status.pod_ip, "10.0.0.1");
  assert.equal(file.status.podIP, "10.0.0.1");
  assert.equal(file.metadata.managedFields, undefined);
});

Deno.test("since when something hinders a pod is remembered, also after a restart, until it passes", async () => {
  const dependencies = memoryDependencies();
  const pulls = (reason: string, version: string, uid = "u") =>
    ourPod("req-0", {
      phase: "Pending",
      containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { waiting: { reason } } }],
    }, { resourceVersion: version, uid });
  const hindered = () => {
    const noted = readPodFacts(dependencies.workdir, "req-0")?.hindered;
    if (!noted) return undefined;
    const { seenAt, ...rest } = noted;
    assert.equal(seenAt, rest.since, "both clocks are right here");
    return rest;
  };
  const since = dependencies.clock.now() / 1000;
  for (const [version, reason] of [["1", "ErrImagePull"], ["2", "ImagePullBackOff"]] as const) {
    const { list, go } = watch(dependencies);
    list(pulls(reason, version));
    await go();
    assert.deepEqual(hindered(), { what: "image not pulled", since, isCertain: false });
    await dependencies.clock.advance(30_000);
  }
  const { list, go } = watch(dependencies);
  for (
    const [pod, expected] of [
      [pulls("ImagePullBackOff", "3"), { what: "image not pulled", since, isCertain: false }],
      // What comes after it has a grace of its own.
      [pulls("CreateContainerConfigError", "4"), {
        what: "container not configured",
        since: since + 60,
        isCertain: false,
      }],
      [pulls("ErrImagePull", "5", "another"), { what: "image not pulled", since: since + 60, isCertain: false }],
      [pulls("ContainerCreating", "6"), undefined],
      [pulls("ErrImagePull", "7"), { what: "image not pulled", since: since + 60, isCertain: false }],
      [pulls("InvalidImageName", "8"), { what: "image name not valid", since: since + 60, isCertain: true }],
    ] as const
  ) {
    list(pod);
    await go();
    assert.deepEqual(hindered(), expected);
  }
});

for (const isOne of [false, true]) {
  const by = isOne ? "one process" : "one process after the other";
  Deno.test(`since when a pod has ended is remembered, by the cluster's clock, and where a file lacks it: by ${by}`, async () => {
    const dependencies = memoryDependencies();
    const { kube, clock } = dependencies;
    const failed = (version: string, uid = "u") =>
      ourPod("req-0", { phase: "Failed" }, { resourceVersion: version, uid });
    const start = clock.now() / 1000;
    let { list, go } = watch(dependencies);
    for (
      const [what, pod, aheadMs, expected] of [
        ["while the cluster's time is not known", failed("1"), undefined, undefined],
        ["once it is known", failed("1"), 7_000, start + 37],
        ["in the same state", failed("1"), 7_000, start + 37],
        ["in another state", failed("2"), 7_000, start + 37],
        ["while the cluster's time is not known any more", failed("3"), undefined, start + 37],
        ["after the cluster's clock was ahead", failed("3"), -7_200_000, start + 150 - 7_200],
        ["as another pod", failed("4", "another"), 0, start + 180],
        [
          "and as one that runs",
          ourPod("req-0", { phase: "Running" }, { resourceVersion: "5", uid: "v" }),
          0,
          undefined,
        ],
      ] as const
    ) {
      kube.aheadMs = aheadMs;
      if (!isOne) ({ list, go } = watch(dependencies));
      list(pod);
      await go();
      assert.equal(readPodFacts(dependencies.workdir, "req-0")?.endedAt, expected, what);
      await clock.advance(30_000);
    }
  });
}

Deno.test("a pod that has to be Ready is pending until it is, and then running at once and for good", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list();
  const annotations = { "symphony/hostfactory-request": '{"up":"Ready"}' };
  const runs = (status: "True" | "False", resourceVersion: string, second: number) =>
    ourPod("req-0", {
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [
        { type: "Initialized", status: "True", lastTransitionTime: "2026-11-20T00:00:01Z" },
        { type: "Ready", status, lastTransitionTime: `2026-11-20T00:00:0${second}Z` },
      ],
    }, { resourceVersion, annotations });
  watcher.event("ADDED", runs("False", "1", 1));
  await dependencies.clock.advance(2_000);
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "pending");
  watcher.event("MODIFIED", runs("True", "2", 2));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  watcher.event("MODIFIED", runs("False", "3", 3));
  await dependencies.clock.advance(2_000);
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
});

Deno.test("events change what changed, and what is gone is gone, with a reason", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(ourPod("req-0"), up("req-1"));
  await go();
  watcher.event("MODIFIED", up("req-0", "2"));
  watcher.event("DELETED", deleted(ourPod("req-1", { phase: "Running", reason: "Evicted", message: "low on memory" })));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  assert.equal(stateOf(dependencies, "req-1"), "deleted");
  assert.match(
    readTombstone(dependencies.workdir, "req-1")?.message ?? "",
    /took the pod away: Evicted: low on memory/,
  );
  assert.equal(dependencies.workdir.kind("/work/pods/req-1"), undefined);
});

Deno.test("what vanished while no one watched is deleted by the next list, and not before that is complete", async () => {
  const dependencies = memoryDependencies();
  const first = watch(dependencies);
  first.list(up("req-0"), up("req-1"), up("req-2"));
  await first.go();
  await giveBack(dependencies, "ret", "req-2");
  const { watcher, go } = watch(dependencies);
  watcher.begin();
  watcher.page([up("req-0")]);
  await go();
  assert.equal(stateOf(dependencies, "req-1"), "running");
  watcher.complete();
  await go();
  assert.deepEqual(["req-0", "req-1", "req-2"].map((name) => stateOf(dependencies, name)), [
    "running",
    "deleted",
    "deleted",
  ]);
  assert.equal(readTombstone(dependencies.workdir, "req-1")?.returned, false);
  assert.equal(readTombstone(dependencies.workdir, "req-2")?.returned, true);
});

Deno.test("a list that lacks many machines at once is doubted, and the view with it, until another one says the same", async () => {
  const dependencies = memoryDependencies();
  const names = Array.from({ length: 50 }, (_, index) => `req-${index}`);
  const pods = names.map((name) => up(name));
  const { watcher, list, go } = watch(dependencies);
  list(...pods);
  await go();
  const lists = (most: Pod[]) => {
    watcher.begin();
    watcher.page(most);
    return watcher.complete();
  };
  assert.equal(lists(pods.slice(11)), "doubted");
  await go();
  assert.equal(
    readSyncStatus(dependencies.workdir, "pods")?.doubt,
    "11 of 50 machines were missing from the last list: it is being confirmed",
  );
  assert.ok(names.every((name) => stateOf(dependencies, name) === "running"));
  assert.equal(lists(pods.slice(11)), undefined, "the machines are asked for by their names");
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.doubt, undefined);
  assert.deepEqual(names.filter((name) => stateOf(dependencies, name) === "deleted"), names.slice(0, 11));
  assert.equal(lists(pods.slice(21)), undefined, "ten are few");
});

Deno.test("a list that was cut short takes nothing away when the next one is whole", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"), up("req-1"));
  await go();
  watcher.begin();
  watcher.page([up("req-0")]);
  list(up("req-0"), up("req-1"));
  await go();
  assert.equal(stateOf(dependencies, "req-1"), "running");
});

Deno.test("what is written down already is not written again, also after a restart", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  list(up("req-0"), ourPod("req-1"));
  await go();
  const writes = dependencies.files.writes.length;
  list(up("req-0"), ourPod("req-1"));
  await go();
  assert.equal(dependencies.files.writes.length, writes);
  const again = watch(dependencies);
  again.list(up("req-0"), ourPod("req-1"));
  await again.go();
  const written = dependencies.files.writes.slice(writes).flatMap(({ paths }) => paths);
  assert.deepEqual(written.filter((path) => !path.startsWith("/work/views/")), []);
});

Deno.test("the state is written only where it changes", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"));
  await go();
  const writes = dependencies.files.writes.length;
  watcher.event("MODIFIED", up("req-0", "2"));
  await dependencies.clock.advance(2_000);
  await go();
  const written = dependencies.files.writes.slice(writes).flatMap(({ paths }) => paths);
  assert.ok(written.includes("/work/pods/req-0"));
  assert.ok(!written.includes("/work/pods-status/req-0"));
});

Deno.test("a pod that is up within two seconds is written down once", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list();
  await go();
  for (const version of ["1", "2", "3"]) {
    watcher.event(version === "1" ? "ADDED" : "MODIFIED", ourPod("req-0", {}, { resourceVersion: version }));
    await dependencies.clock.advance(300);
    await go();
  }
  assert.equal(readPodFacts(dependencies.workdir, "req-0"), undefined);
  watcher.event("MODIFIED", up("req-0", "4"));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  await dependencies.clock.advance(5_000);
  await go();
  const writes = dependencies.files.writes.filter(({ name, paths }) =>
    name === "rename" && paths[1] === "/work/pods/req-0"
  );
  assert.equal(writes.length, 1);
});

Deno.test("a pod that stays pending is written down after two seconds, however often it changes", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list();
  for (let version = 1; version <= 7; version++) {
    watcher.event("MODIFIED", ourPod("req-0", {}, { resourceVersion: String(version) }));
    await go();
    await dependencies.clock.advance(300);
  }
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "pending");
});

Deno.test("that somebody deletes a running pod is written down at once, with its grace", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"));
  await go();
  const going = up("req-0", "2");
  going.metadata.deletionTimestamp = "2026-11-20T00:00:30Z";
  watcher.event("MODIFIED", going);
  await go();
  assert.equal(readPodFacts(dependencies.workdir, "req-0")?.deletionAt, Date.UTC(2026, 10, 20, 0, 0, 30) / 1000);
});

Deno.test("where machines were evicted from is written down, of those too that are gone before they were seen going", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  const evicted = (name: string, nodeName: string, version: string): Pod => {
    const at = new Date(dependencies.clock.now()).toISOString();
    const disrupted = {
      type: "DisruptionTarget",
      status: "True",
      reason: "EvictionByEvictionAPI",
      lastTransitionTime: at,
    };
    const pod = up(name, version);
    return {
      ...pod,
      spec: { ...pod.spec, nodeName },
      status: { ...pod.status, conditions: [disrupted as PodCondition] },
    };
  };
  list(up("req-0"), up("req-1"), evicted("req-2", "n3", "1"));
  watcher.event("MODIFIED", evicted("req-0", "n1", "2"));
  watcher.event("DELETED", deleted(evicted("req-1", "n2", "2")));
  await dependencies.clock.advance(2_000);
  await go();
  assert.deepEqual([...readEvictions(dependencies.workdir).keys()].sort(), ["n1", "n2", "n3"]);
});

Deno.test("a pod that is gone before it was written down is written down as gone", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list();
  watcher.event("ADDED", ourPod("req-0"));
  watcher.event("DELETED", ourPod("req-0"));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "deleted");
  watcher.event("ADDED", ourPod("req-1"));
  list();
  await go();
  assert.equal(stateOf(dependencies, "req-1"), "deleted");
  await dependencies.clock.advance(5_000);
  await go();
  assert.equal(readPodFacts(dependencies.workdir, "req-1"), undefined);
});

Deno.test("a view that was put in the place of ours stays as it is: the work directory is another one", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"));
  await go();
  assert.ok(watcher.viewIsOurs);
  const theirs = { completeAt: 1, heardAt: 2 };
  writeSyncStatus(dependencies.workdir, "pods", theirs);
  await dependencies.clock.advance(10_000);
  watcher.heard();
  await go();
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), theirs);
  assert.ok(!watcher.viewIsOurs);
});

Deno.test("the view is not fresher than what was written down", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"));
  await go();
  const before = readSyncStatus(dependencies.workdir, "pods");
  await dependencies.clock.advance(10_000);
  watcher.event("DELETED", up("req-0"));
  watcher.heard();
  dependencies.files.failWhere(({ name, paths }) => name === "symlink" && paths[0] === "deleted", noSpace());
  await assert.rejects(go(), { code: "ENOSPC" });
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), before);
  dependencies.files.before = () => {};
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "deleted");
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.heardAt, dependencies.clock.now() / 1000);
});

Deno.test("there is no view before a list was complete, however much was heard", async () => {
  const dependencies = memoryDependencies();
  const { watcher, go } = watch(dependencies);
  watcher.begin();
  watcher.page([up("req-0")]);
  watcher.heard();
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods"), undefined);
});

Deno.test("a machine that was created and is in no list is asked for: gone is what the server does not know", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  for (const name of ["req-0", "req-1"]) settleMachine(dependencies.workdir, "req", name);
  for (let i = 0; i < 3; i++) writeState(dependencies.workdir, `req-${i}`, "creating");
  dependencies.kube.put(ourPod("req-0")); // Created after the list was made.
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.deepEqual(["req-0", "req-1", "req-2"].map((name) => stateOf(dependencies, name)), [
    "pending",
    "deleted",
    "creating",
  ]);
  assert.deepEqual(dependencies.kube.named("getPod").sort(), ["req-0", "req-1"]);
});

Deno.test("a machine of which no pod is known, and whose name is another pod's, is gone when that is so once more", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  writeState(dependencies.workdir, "req-0", "creating");
  dependencies.kube.put(ourPod("req-0", { phase: "Running" }, { labels: {} }));
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.equal(
    stateOf(dependencies, "req-0"),
    "creating",
    "what its create was answered with may not be written down yet",
  );
  await dependencies.clock.advance(11_000);
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "deleted");
  assert.deepEqual(dependencies.kube.named("getPod"), ["req-0", "req-0"]);
});

Deno.test("while the server cannot be asked for them, they are not gone, and the view is not fresh", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  writeState(dependencies.workdir, "req-0", "creating");
  dependencies.kube.fail("getPod", new KubeError("unavailable", "away"));
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "creating");
  assert.equal(readSyncStatus(dependencies.workdir, "pods"), undefined);
  dependencies.kube.recover();
  await dependencies.clock.advance(1_000);
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "deleted");
});

Deno.test("while the server takes long to answer for them, what the watch says is written down in between", async () => {
  const dependencies = memoryDependencies({ concurrency: 2 });
  await ask(dependencies, "req", 10);
  for (let index = 0; index < 10; index++) {
    settleMachine(dependencies.workdir, "req", `req-${index}`);
    dependencies.kube.put(ourPod(`req-${index}`)); // Created after the list was made.
  }
  const { watcher, list, go } = watch(dependencies);
  list();
  dependencies.kube.latencyMs = 700;
  const going = go();
  await dependencies.clock.advance(1_000);
  watcher.event("ADDED", up("other-0"));
  await dependencies.clock.advance(5_000);
  assert.equal(stateOf(dependencies, "other-0"), "running");
  await dependencies.clock.advance(20_000);
  await going;
  assert.equal(dependencies.kube.named("getPod").length, 10);
});

Deno.test("pods that are not ours are not seen; those of the legacy plug-in are where their request is here", async () => {
  const dependencies = memoryDependencies();
  furnishExisting(dependencies.files, "");
  const id = existingIds.notPickedUp;
  const theirs = (requestId: string) => ({ "symphony/hostfactory-reqid": requestId, app: "x" });
  const { list, go } = watch(dependencies);
  const before = Object.keys(dependencies.files.tree("/work/pods-status"));
  list(
    ourPod(`${id}-0`, { phase: "Running" }, { labels: theirs(id) }),
    ourPod("stranger-0", { phase: "Running" }, { labels: theirs("stranger") }),
    ourPod("other-0", { phase: "Running" }, {
      labels: { ...theirs("other"), "symphony/hostfactory-instance": "another" },
    }),
    ourPod("odd", { phase: "Running" }),
    ourPod("../../evil-0", { phase: "Running" }),
  );
  await go();
  assert.equal(stateOf(dependencies, `${id}-0`), "running");
  assert.deepEqual(Object.keys(dependencies.files.tree("/work/pods-status")), before);
});

Deno.test("thousands of pods are written down in slices, and none is left out", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list } = watch(dependencies);
  list(...Array.from({ length: 250 }, (_, i) => up(`req-${i}`)));
  await watcher.step(dependencies.stopping);
  assert.equal(dependencies.workdir.names("/work/pods").length, 100);
  await watcher.step(dependencies.stopping);
  await watcher.step(dependencies.stopping);
  assert.equal(dependencies.workdir.names("/work/pods").length, 250);
});

Deno.test("an eviction that was seen and not written yet keeps its reason, whatever list comes after it", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"), up("req-1"));
  await go();
  watcher.event("DELETED", ourPod("req-0", { phase: "Failed", reason: "Evicted", message: "low on memory" }));
  watcher.event("MODIFIED", ourPod("req-1", { phase: "Failed", reason: "Preempted" }, { resourceVersion: "2" }));
  list();
  await go();
  for (const [name, reason] of [["req-0", /Evicted: low on memory/], ["req-1", /Preempted/]] as const) {
    assert.equal(stateOf(dependencies, name), "deleted");
    assert.match(readTombstone(dependencies.workdir, name)?.message ?? "", reason);
  }
});

Deno.test("after a start the view stays as old as it is until this process's list is complete and written down", async () => {
  const dependencies = memoryDependencies();
  const first = watch(dependencies);
  first.list(up("req-0"));
  await first.go();
  const before = readSyncStatus(dependencies.workdir, "pods");
  await dependencies.clock.advance(60_000);
  const { watcher, go, list } = watch(dependencies);
  watcher.heard();
  watcher.begin();
  watcher.page([up("req-0")]);
  watcher.heard();
  await go();
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), before);
  list();
  dependencies.files.failWhere(({ name, paths }) => name === "symlink" && paths[0] === "deleted", noSpace());
  await assert.rejects(go(), { code: "ENOSPC" });
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), before);
  dependencies.files.before = () => {};
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.heardAt, dependencies.clock.now() / 1000);
});

Deno.test("while all is listed again the view gets no fresher; once that has failed and the watch goes on it does", async () => {
  const dependencies = memoryDependencies();
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"));
  await go();
  const before = readSyncStatus(dependencies.workdir, "pods");
  await dependencies.clock.advance(30_000);
  watcher.begin();
  watcher.page([]);
  watcher.heard();
  await go();
  assert.deepEqual(readSyncStatus(dependencies.workdir, "pods"), before);
  watcher.failed(new KubeError("unavailable", "away"));
  watcher.heard();
  await go();
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.heardAt, dependencies.clock.now() / 1000);
});

Deno.test("a machine whose state was lost is asked for: gone is what the server does not know, with what was noted", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 4);
  for (const name of ["req-0", "req-1", "req-2"]) settleMachine(dependencies.workdir, "req", name);
  writeTombstone(dependencies.workdir, "req-1", { up: false, returned: false, givenUp: true, message: "quota" });
  dependencies.kube.put(up("req-2"));
  const { list, go } = watch(dependencies);
  list(up("req-2"));
  await go();
  assert.deepEqual(["req-0", "req-1", "req-2", "req-3"].map((name) => stateOf(dependencies, name)), [
    "deleted",
    "deleted",
    "running",
    undefined,
  ]);
  assert.equal(readTombstone(dependencies.workdir, "req-1")?.message, "quota");
  assert.deepEqual(dependencies.kube.named("getPod").sort(), ["req-0", "req-1"]);
});

Deno.test("requests are looked through for lost states once for each list, in slices", async () => {
  const dependencies = memoryDependencies();
  for (let i = 0; i < 250; i++) {
    await ask(dependencies, `r${i}`, 1);
    settleMachine(dependencies.workdir, `r${i}`, `r${i}-0`);
  }
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.equal(dependencies.workdir.names("/work/pods-status").length, 250);
  let lists = 0;
  dependencies.files.before = ({ name, paths }) =>
    void (name === "list" && paths[0]?.startsWith("/work/requests/r") && lists++);
  await go();
  assert.equal(lists, 0);
  list();
  await go();
  assert.equal(lists, 250);
  for (let i = 0; i < 240; i++) {
    writeFinishedNote(dependencies.workdir, `/work/requests/r${i}`, { endedAt: 1, machines: 1 });
  }
  list();
  await go();
  assert.equal(lists, 260, "those that have ended are not looked through");
  for (const name of dependencies.workdir.names("/work/pods-status")) {
    dependencies.files.remove(`/work/pods-status/${name}`);
  }
  list();
  await go();
  assert.equal(lists, 510, "unless somebody has emptied a directory");
  assert.equal(dependencies.workdir.names("/work/pods-status").length, 250);
});

Deno.test("a state, pod file or note that was lost while its pod is there is written again by the next list", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  for (const path of ["pods-status/req-0", "pods/req-0"]) {
    list(up("req-0"));
    await go();
    dependencies.files.remove(`/work/${path}`);
    list(up("req-0"));
    await go();
    assert.equal(stateOf(dependencies, "req-0"), "running");
    assert.equal(readPodFacts(dependencies.workdir, "req-0")?.uid, "uid-req-0");
  }
  const failed = ourPod("req-0", { phase: "Failed", reason: "Evicted" }, { resourceVersion: "2" });
  list(failed);
  await go();
  dependencies.files.remove("/work/machines/req-0");
  list(failed);
  await go();
  assert.match(readTombstone(dependencies.workdir, "req-0")?.message ?? "", /Evicted/);
});

Deno.test("a machine that ended by itself, and whose pod file was lost, is gone once a list does not name it", async () => {
  const dependencies = memoryDependencies();
  const record = { up: false, returned: false, givenUp: false, message: "why" };
  writeState(dependencies.workdir, "req-0", "succeeded");
  writeState(dependencies.workdir, "req-1", "failed");
  writeTombstone(dependencies.workdir, "req-1", { ...record, uid: "uid-1" });
  writeState(dependencies.workdir, "req-2", "failed"); // It never had a pod.
  writeTombstone(dependencies.workdir, "req-2", record);
  const { list, go } = watch(dependencies);
  list();
  await go();
  assert.deepEqual(["req-0", "req-1", "req-2"].map((name) => stateOf(dependencies, name)), [
    "deleted",
    "deleted",
    "failed",
  ]);
});

Deno.test("that a machine failed survives a power failure, and so does why", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0"), up("req-1"));
  await go();
  watcher.event("MODIFIED", ourPod("req-0", { phase: "Failed", reason: "Evicted" }, { resourceVersion: "2" }));
  watcher.event("DELETED", up("req-1", "3"));
  await go();
  const after = memoryDependencies({ files: dependencies.files.crash("synced") });
  assert.deepEqual(["req-0", "req-1"].map((name) => stateOf(after, name)), ["failed", "deleted"]);
  assert.match(readTombstone(after.workdir, "req-0")?.message ?? "", /Evicted/);
  assert.match(readTombstone(after.workdir, "req-1")?.message ?? "", /not because Symphony returned/);
});

Deno.test("what is in the place of one machine's files is that machine's trouble: all others are written, and the view", async () => {
  const dependencies = memoryDependencies();
  for (const path of ["pods/req-0", "pods-status/req-1", "machines/req-2"]) {
    dependencies.files.makeDirectory(`/work/${path}`);
    dependencies.files.writeText(`/work/${path}/x`, "");
  }
  dependencies.files.writeText("/work/pods-status/req-3", "no link");
  dependencies.files.writeText("/work/pods/README", "not a machine's");
  const { watcher, list, go } = watch(dependencies);
  list(...["req-0", "req-1", "req-2", "req-3", "req-4"].map((name) => up(name)));
  await go();
  assert.deepEqual(["req-2", "req-3", "req-4"].map((name) => stateOf(dependencies, name)), [
    "running",
    "running",
    "running",
  ]);
  watcher.event("DELETED", up("req-2"));
  watcher.event("DELETED", up("req-4"));
  await dependencies.clock.advance(5_000);
  watcher.heard();
  await go();
  assert.equal(stateOf(dependencies, "req-4"), "deleted");
  assert.equal(readSyncStatus(dependencies.workdir, "pods")?.heardAt, dependencies.clock.now() / 1000);
  assert.equal(dependencies.workdir.kind("/work/pods/README"), "file");
  // Once the place is free, the next list puts it right.
  dependencies.files.removeTree("/work/pods/req-0");
  dependencies.files.removeTree("/work/pods-status/req-1");
  list(up("req-0"), up("req-1"), up("req-3"));
  await go();
  assert.deepEqual(["req-0", "req-1"].map((name) => stateOf(dependencies, name)), ["running", "running"]);
});

Deno.test("one machine that may not be written delays no other, and is written once it may", async () => {
  const dependencies = memoryDependencies();
  const { list, go } = watch(dependencies);
  dependencies.files.failWhere(
    ({ name, paths }) => name === "rename" && paths[1] === "/work/pods/req-0",
    notPermitted(),
  );
  list(...Array.from({ length: 250 }, (_, i) => up(`req-${i}`)));
  for (let i = 0; i < 4; i++) await go().catch(() => {});
  assert.equal(dependencies.workdir.names("/work/pods").length, 249);
  assert.equal(readSyncStatus(dependencies.workdir, "pods"), undefined);
  dependencies.files.before = () => {};
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "running");
  assert.notEqual(readSyncStatus(dependencies.workdir, "pods"), undefined);
});

Deno.test("what a watch repeats from before a list that broke off does not undo what that list said", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  const { watcher, list, go } = watch(dependencies);
  list(up("req-0", "5"));
  await go();
  watcher.begin();
  watcher.page([ourPod("req-0", { phase: "Failed" }, { resourceVersion: "7" })]);
  watcher.failed(new KubeError("unavailable", "away"));
  for (const written of [false, true]) {
    if (written) await go();
    watcher.event("MODIFIED", up("req-0", "6"));
    await go();
    assert.equal(stateOf(dependencies, "req-0"), "failed");
  }
  watcher.event("ADDED", ourPod("req-0", { phase: "Running" }, { uid: "another", resourceVersion: "6" }));
  await go();
  assert.equal(stateOf(dependencies, "req-0"), "deleted");
});
