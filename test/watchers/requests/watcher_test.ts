import assert from "node:assert/strict";
import { KubeError, type KubeErrorKind } from "../../../src/kube/errors.ts";
import { PodsWatcher } from "../../../src/watchers/pods/watcher.ts";
import { RequestMachinesWatcher } from "../../../src/watchers/requests/watcher.ts";
import { needsReady } from "../../../src/machine/readiness.ts";
import {
  readState,
  readTombstone,
  writeFirstState,
  writeState,
  writeTombstone,
} from "../../../src/workdir/machines.ts";
import { addRequest, readRequest, settleMachine } from "../../../src/workdir/requests.ts";
import { atOnce } from "../../support/at_once.ts";
import { existingIds, furnishExisting } from "../../support/legacy_workdir.ts";
import { type CrashLeaves, noSpace, notPermitted } from "../../support/memory_files.ts";
import { manifest } from "../../support/memory_provider.ts";
import {
  ask,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";
import { settled } from "../../support/simulated_clock.ts";

/** A watcher, and what it made of its machines. */
function watch(
  dependencies: MemoryDependencies,
): { watcher: RequestMachinesWatcher; go: (ms?: number) => Promise<unknown> } {
  const watcher = new RequestMachinesWatcher(dependencies, () => {});
  return { watcher, go: (ms) => run(watcher, dependencies, ms) };
}

function statesOf({ workdir }: MemoryDependencies, id: string): (string | undefined)[] {
  return readRequest(workdir, id)!.machines.map(({ name }) => readState(workdir, name));
}

function assertHandled({ workdir }: MemoryDependencies, id: string): void {
  const request = readRequest(workdir, id);
  assert.deepEqual(request?.machines.filter(({ pending }) => pending), []);
  assert.equal(request?.processed, true);
}

Deno.test("every machine of every request gets its pod, and no more calls are under way than may be", async () => {
  const dependencies = memoryDependencies({ concurrency: 4 });
  dependencies.kube.latencyMs = 20;
  await ask(dependencies, "one", 10);
  await ask(dependencies, "two", 3);
  await watch(dependencies).go();
  assert.equal(dependencies.kube.pods.size, 13);
  assert.equal(dependencies.kube.calls.length, 13);
  assert.equal(dependencies.kube.mostInFlight, 4);
  for (const id of ["one", "two"]) assertHandled(dependencies, id);
  const { labels, annotations } = dependencies.kube.pods.get("one-7")!.metadata;
  assert.equal(labels?.["symphony/hostfactory-instance"], "k8s-hf");
  assert.match(annotations?.["symphony/hostfactory-request"] ?? "", /"count":10,"index":7/);
});

Deno.test("a pod carries what counts as up for its machine", async () => {
  const dependencies = memoryDependencies();
  const request = { id: "req", templateId: "T", count: 1, requestedAt: 0, manifest: JSON.stringify(manifest) };
  await addRequest(dependencies.workdir, { ...request, up: "Ready" }, atOnce);
  await watch(dependencies).go();
  assert.equal(needsReady(dependencies.kube.pods.get("req-0")!), true);
});

Deno.test("a small request that comes later does not wait for a large one", async () => {
  const dependencies = memoryDependencies({ concurrency: 4 });
  dependencies.kube.latencyMs = 20;
  await ask(dependencies, "large", 200);
  await dependencies.clock.advance(1_000);
  await ask(dependencies, "small", 2);
  await watch(dependencies).go();
  const order = dependencies.kube.named("createPod");
  assert.ok(order.indexOf("small-1") < 8, `small-1 was created as number ${order.indexOf("small-1")}`);
});

Deno.test("what is done already is not done again, also after a restart", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  await watch(dependencies).go();
  const [calls, writes] = [dependencies.kube.calls.length, dependencies.files.writes.length];
  await watch(dependencies).go();
  assert.equal(dependencies.kube.calls.length, calls);
  assert.equal(dependencies.files.writes.length, writes);
});

Deno.test("a first state that the verb writes at the same moment leaves nothing hidden behind", async () => {
  const dependencies = memoryDependencies();
  const { workdir, files } = dependencies;
  await ask(dependencies, "req", 1);
  files.before = ({ name, paths }) => {
    if ((name !== "rename" && name !== "hardLink") || paths[1] !== workdir.layout.podStatus("req-0")) return;
    files.before = () => {};
    writeFirstState(workdir, "req-0");
  };
  await watch(dependencies).go();
  assert.deepEqual(statesOf(dependencies, "req"), ["creating"]);
  assert.deepEqual(files.list(workdir.layout.podsStatus).map(({ name }) => name), ["req-0"]);
});

Deno.test("a pod that exists and is ours is a success; one that is not is an error, and stays", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  dependencies.kube.put(ourPod("req-0"));
  dependencies.kube.put(ourPod("req-1", {}, { labels: { app: "somebody's" } }));
  await watch(dependencies).go();
  assert.deepEqual(statesOf(dependencies, "req"), ["creating", "failed", "creating"]);
  assert.match(readTombstone(dependencies.workdir, "req-1")?.message ?? "", /'req-1'.*exists and is not ours/);
  assert.equal(dependencies.kube.pods.get("req-1")?.metadata.labels?.["app"], "somebody's");
  assertHandled(dependencies, "req");
});

for (const kind of ["quota", "forbidden", "invalid"] as const) {
  Deno.test(`a pod that is refused for good (${kind}) is asked for once, and the machine fails in the server's words`, async () => {
    const dependencies = memoryDependencies();
    await ask(dependencies, "req", 3);
    dependencies.kube.fail("createPod", new KubeError(kind, "the server's words"), { name: "req-1" });
    await watch(dependencies).go();
    assert.deepEqual(dependencies.kube.named("createPod").filter((name) => name === "req-1"), ["req-1"]);
    assert.deepEqual(statesOf(dependencies, "req"), ["creating", "failed", "creating"]);
    assert.deepEqual(readTombstone(dependencies.workdir, "req-1"), {
      up: false,
      returned: false,
      givenUp: true,
      message: "the server's words",
    });
    assert.equal(dependencies.kube.pods.size, 2);
    assertHandled(dependencies, "req");
  });
}

for (const kind of ["unavailable", "throttled", "unauthorised", "notFound"] as KubeErrorKind[]) {
  Deno.test(`trouble that may pass (${kind}) is waited for with growing patience, and everything is created`, async () => {
    const dependencies = memoryDependencies();
    await ask(dependencies, "req", 20);
    dependencies.kube.fail("createPod", new KubeError(kind, "not now"));
    const { watcher, go } = watch(dependencies);
    await go(60_000);
    assert.equal(dependencies.kube.pods.size, 0);
    assert.equal(watcher.backlog().all, 20);
    assert.ok(watcher.backlog().failed > 0);
    if (kind !== "notFound") {
      assert.ok(dependencies.kube.calls.length < 40, `${dependencies.kube.calls.length} calls in a minute`);
    }
    dependencies.kube.recover();
    await go(60_000);
    assert.equal(dependencies.kube.pods.size, 20);
    assertHandled(dependencies, "req");
  });
}

Deno.test("a server that asks to wait is not asked by anybody until then", async () => {
  const dependencies = memoryDependencies({ concurrency: 4 });
  dependencies.kube.latencyMs = 10;
  await ask(dependencies, "req", 40);
  const startMs = dependencies.clock.monotonic();
  dependencies.kube.fail("createPod", new KubeError("throttled", "slow down", { retryAfterMs: 10_000 }), { times: 1 });
  await watch(dependencies).go(30_000);
  const late = dependencies.kube.calls.filter(({ atMs }) => atMs > startMs + 20 && atMs < startMs + 10_000);
  assert.deepEqual(late, []);
  assert.equal(dependencies.kube.pods.size, 40);
});

for (const refreshedByOthers of [false, true]) {
  Deno.test(`a machine that is returned before its pod is created is never created${refreshedByOthers ? ", whoever sees the return first" : ""}`, async () => {
    const dependencies = memoryDependencies({ concurrency: 2 });
    dependencies.kube.fail("createPod", new KubeError("unavailable", "away"));
    await ask(dependencies, "req", 6);
    const { go } = watch(dependencies);
    await go(5_000);
    await giveBack(dependencies, "ret", "req-3", "req-5");
    if (refreshedByOthers) dependencies.returns.refresh(dependencies.clock.now());
    await go(2_000);
    dependencies.kube.recover();
    await go(60_000);
    assert.deepEqual([...dependencies.kube.pods.keys()].sort(), ["req-0", "req-1", "req-2", "req-4"]);
    assert.deepEqual(statesOf(dependencies, "req"), [
      "creating",
      "creating",
      "creating",
      "deleted",
      "creating",
      "deleted",
    ]);
    assert.equal(readTombstone(dependencies.workdir, "req-3")?.returned, true);
    assertHandled(dependencies, "req");
  });
}

Deno.test("a machine that is returned while others are created is never created, though no one gives notice", async () => {
  const dependencies = memoryDependencies({ concurrency: 1 });
  dependencies.kube.latencyMs = 100;
  await ask(dependencies, "req", 2);
  const { watcher } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  await giveBack(dependencies, "ret", "req-1");
  await dependencies.clock.advance(1_000);
  assert.deepEqual(dependencies.kube.named("createPod"), ["req-0"]);
});

Deno.test("a machine that was returned before the request was taken up is never created", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  await giveBack(dependencies, "ret", "req-0", "req-1");
  await watch(dependencies).go();
  assert.deepEqual(dependencies.kube.named("createPod"), []);
  assert.deepEqual(statesOf(dependencies, "req"), ["deleted", "deleted"]);
  assertHandled(dependencies, "req");
});

Deno.test("a machine that comes and is returned while its request is watched costs no call at all", async () => {
  const dependencies = memoryDependencies();
  const { go } = watch(dependencies);
  await go(1_000);
  await ask(dependencies, "req", 2);
  await giveBack(dependencies, "ret", "req-0", "req-1");
  await go();
  assert.deepEqual(dependencies.kube.calls, []);
  assertHandled(dependencies, "req");
});

Deno.test("a returned machine whose pod may exist is not called gone before the cluster says that it has none", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  dependencies.kube.put(ourPod("req-0")); // Created by a process that died before it noted that.
  await giveBack(dependencies, "ret", "req-0", "req-1");
  dependencies.kube.fail("getPod", new KubeError("unavailable", "away"));
  const { go } = watch(dependencies);
  await go(5_000);
  assert.deepEqual(statesOf(dependencies, "req"), [undefined, undefined, "creating"]);
  dependencies.kube.recover();
  await go();
  // The return requests' watcher deletes the first one, and then calls it gone.
  assert.deepEqual(statesOf(dependencies, "req"), [undefined, "deleted", "creating"]);
  assert.deepEqual(dependencies.kube.named("createPod"), ["req-2"]);
  assertHandled(dependencies, "req");
});

Deno.test("a returned machine whose create was not answered is not called gone before the cluster says so", async () => {
  const dependencies = memoryDependencies();
  const { go } = watch(dependencies);
  await go();
  await ask(dependencies, "req", 1);
  dependencies.kube.fail("createPod", new KubeError("unavailable", "the answer was lost"), { times: 1 });
  await go(10);
  dependencies.kube.put(ourPod("req-0"));
  dependencies.kube.fail("getPod", new KubeError("unavailable", "away"));
  await giveBack(dependencies, "ret", "req-0");
  await go(5_000);
  assert.deepEqual(statesOf(dependencies, "req"), ["creating"]);
  dependencies.kube.recover();
  await go();
  assert.deepEqual(statesOf(dependencies, "req"), ["creating"], "the return requests' watcher deletes it");
  assertHandled(dependencies, "req");
});

Deno.test("what the server says against a second create is nothing against the pod that the first one made", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  dependencies.kube.fail("createPod", new KubeError("unavailable", "the answer was lost"), { times: 1, name: "req-0" });
  dependencies.kube.put(ourPod("req-0"));
  const { go } = watch(dependencies);
  await go(10);
  dependencies.kube.fail("createPod", new KubeError("quota", "exceeded quota"));
  await go();
  assert.deepEqual(statesOf(dependencies, "req"), ["creating", "creating"]);
  assert.equal(readTombstone(dependencies.workdir, "req-0"), undefined);
  assertHandled(dependencies, "req");
});

Deno.test("a pod that lost our marks as well as the answer to its create is known by who wrote it, and has to go", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  dependencies.kube.fail("createPod", new KubeError("unavailable", "the answer was lost"), { times: 2 });
  const { go } = watch(dependencies);
  await go(10);
  for (const [name, manager] of [["req-0", "hostfactory"], ["req-1", "kubectl"]] as const) {
    const managedFields = [{ manager, fieldsV1: { "f:spec": {} } }];
    dependencies.kube.put(ourPod(name, {}, { labels: {}, managedFields }));
  }
  await go();
  assert.deepEqual(statesOf(dependencies, "req"), ["failed", "failed"]);
  const { givenUp, uid, message } = readTombstone(dependencies.workdir, "req-0") ?? {};
  assert.deepEqual([givenUp, uid], [true, "uid-req-0"], "its pod is deleted");
  assert.match(message ?? "", /stores the pod without label .*: exempt these from the webhook/);
  const other = readTombstone(dependencies.workdir, "req-1");
  assert.deepEqual([other?.uid, /is not ours$/.test(other?.message ?? "")], [undefined, true]);
  assertHandled(dependencies, "req");
});

Deno.test("a machine that ended before a crash, its entry still pending, is settled and not created", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 4);
  for (const [i, state] of (["failed", "deleted", "succeeded"] as const).entries()) {
    writeState(dependencies.workdir, `req-${i}`, state);
  }
  await watch(dependencies).go();
  assert.deepEqual(dependencies.kube.named("createPod"), ["req-3"]);
  assertHandled(dependencies, "req");
});

Deno.test("a broken manifest fails its request, with the reason, and no other", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "bad", 2);
  await ask(dependencies, "good", 1);
  dependencies.files.writeText("/work/requests/bad/.manifest.json", '{"kind":"Pod"}');
  await watch(dependencies).go();
  assert.deepEqual(statesOf(dependencies, "bad"), ["failed", "failed"]);
  assert.match(readTombstone(dependencies.workdir, "bad-0")?.message ?? "", /pod manifest.*of request bad.*apiVersion/);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["good-0"]);
  for (const id of ["bad", "good"]) assertHandled(dependencies, id);
});

Deno.test("what cannot be read now is taken up later, and holds up nothing that came with it", async () => {
  const dependencies = memoryDependencies();
  for (const id of ["one", "two", "three"]) await ask(dependencies, id, 1);
  dependencies.files.failWhere(
    ({ name, paths }) => name === "list" && paths[0] === "/work/requests/two",
    notPermitted(),
  );
  const { go } = watch(dependencies);
  await go(2_000);
  assert.deepEqual([...dependencies.kube.pods.keys()].sort(), ["one-0", "three-0"]);
  dependencies.files.before = () => {};
  await go(5_000);
  assert.deepEqual([...dependencies.kube.pods.keys()].sort(), ["one-0", "three-0", "two-0"]);
});

Deno.test("a full disk delays the note that a pod was created, and creates no second pod", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  const { go, watcher } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.files.failWhere(({ name }) => name === "writeText", noSpace());
  await settled();
  for (let i = 0; i < 5; i++) {
    await watcher.step(dependencies.stopping).catch(() => {});
    await dependencies.clock.advance(1_000);
  }
  dependencies.files.before = () => {};
  await go();
  assert.equal(dependencies.kube.pods.size, 2);
  assertHandled(dependencies, "req");
});

Deno.test("that a pod was created survives a power failure seconds later, however long others of its request wait", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.fail("createPod", new KubeError("throttled", "slow down"), { name: "req-1" });
  await ask(dependencies, "req", 2);
  const { go } = watch(dependencies);
  const survives = () => {
    const [first, second] = ["req-0", "req-1"].map((name) =>
      dependencies.files.crash("synced").info(`/work/requests/req/${name}`).kind
    );
    return [first, second];
  };
  await go(1_000);
  assert.deepEqual(survives(), ["symlink", "symlink"]);
  dependencies.files.failWhere(({ name, paths }) => name === "sync" && paths[0] === "/work/requests/req", noSpace());
  await go(5_000);
  assert.deepEqual(survives(), ["symlink", "symlink"]);
  dependencies.files.before = () => {};
  await go(20_000);
  assert.deepEqual(survives(), ["file", "symlink"]);
});

Deno.test("what an earlier process noted of a request survives a power failure seconds after it was taken up", async () => {
  for (const note of ["its entry", "its state"]) {
    const dependencies = memoryDependencies();
    const { workdir, kube, files } = dependencies;
    kube.fail("createPod", new KubeError("throttled", "slow down"), { name: "req-1" });
    await ask(dependencies, "req", 2);
    if (note === "its entry") settleMachine(workdir, "req", "req-0");
    else writeState(workdir, "req-0", "running");
    await watch(dependencies).go(5_000);
    assert.equal(files.crash("synced").info("/work/requests/req/req-0").kind, "file", note);
  }
});

Deno.test("a request of the legacy plug-in is created from the manifest that its links lead to", async () => {
  const dependencies = memoryDependencies();
  furnishExisting(dependencies.files, "");
  await watch(dependencies).go();
  const id = existingIds.notPickedUp;
  assert.deepEqual([...dependencies.kube.pods.keys()].sort(), [`${id}-0`, `${id}-1`]);
  assert.equal(dependencies.kube.pods.get(`${id}-0`)?.spec.containers[0]?.image, "symphony:7.3.2");
  assertHandled(dependencies, id);
});

Deno.test("what is no request is left alone", async () => {
  const dependencies = memoryDependencies();
  dependencies.files.makeDirectory("/work/requests/Not A Request");
  dependencies.files.writeText("/work/requests/file", "");
  const before = dependencies.files.tree("/work");
  await watch(dependencies).go(3_000);
  assert.deepEqual(dependencies.files.tree("/work"), before);
});

Deno.test("told to stop, it ends what is under way and starts nothing; the rest is done after the next start", async () => {
  const dependencies = memoryDependencies({ concurrency: 2 });
  dependencies.kube.latencyMs = 100;
  await ask(dependencies, "req", 5);
  const { watcher } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.stop();
  const drained = watcher.drained();
  await dependencies.clock.advance(1_000);
  await drained;
  assert.equal(dependencies.kube.pods.size, 2);
  assert.equal(readRequest(dependencies.workdir, "req")?.machines.filter(({ pending }) => pending).length, 3);
  const next = memoryDependencies({ files: dependencies.files, clock: dependencies.clock, kube: dependencies.kube });
  await watch(next).go();
  assert.equal(next.kube.pods.size, 5);
  assertHandled(next, "req");
});

Deno.test("calls that do not end in time are cut off, and their machines are pending still", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.latencyMs = 1e9;
  await ask(dependencies, "req", 1);
  const { watcher } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.stop();
  dependencies.end();
  await watcher.drained();
  assert.equal(readRequest(dependencies.workdir, "req")?.machines[0]?.pending, true);
  assert.deepEqual(statesOf(dependencies, "req"), ["creating"]);
});

/** One machine of `req` is refused for good, one is returned before it is created, one is created. */
async function mixed(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 3);
  await giveBack(dependencies, "ret", "req-2");
  dependencies.kube.fail("createPod", new KubeError("quota", "the server's words"), { name: "req-1" });
  return dependencies;
}

/** Everything that a restart sets going: the requests' watcher, and a list of what the cluster holds. */
async function restart(before: MemoryDependencies, leaves: CrashLeaves): Promise<MemoryDependencies> {
  const { clock, kube } = before;
  const after = memoryDependencies({ files: before.files.crash(leaves), clock, kube, seed: 2 });
  await watch(after).go(5_000);
  const pods = new PodsWatcher(after, { wake: () => {}, changed: () => {} });
  pods.begin();
  pods.page([...kube.pods.values()].map((pod) => structuredClone(pod)));
  pods.complete();
  await run(pods, after, 5_000);
  return after;
}

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, no machine is forgotten and none is created late (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const dependencies = await mixed();
      for (const path of ["pods-status", "machines"]) await dependencies.files.sync(`/work/${path}`);
      const before = dependencies.files.writes.length;
      dependencies.files.killAt(n);
      await watch(dependencies).go(1_000).catch(() => {});
      const isOver = dependencies.files.writes.length - before <= n;
      const after = await restart(dependencies, leaves);
      const [created, refused, returned] = statesOf(after, "req");
      assert.equal(created, "pending", `killed at ${n}`);
      assert.ok(refused === "failed" || refused === "deleted", `killed at ${n}: ${refused}`);
      assert.equal(returned, "deleted", `killed at ${n}`);
      assert.equal(readTombstone(after.workdir, "req-1")?.message, "the server's words", `killed at ${n}`);
      assert.equal(readTombstone(after.workdir, "req-2")?.returned, true, `killed at ${n}`);
      assert.deepEqual([...after.kube.pods.keys()], ["req-0"], `killed at ${n}`);
      assertHandled(after, "req");
      if (isOver) break;
    }
  });
}

Deno.test("what Symphony may be told of a machine's end is durable before it is said", async () => {
  const dependencies = await mixed();
  const reads: string[] = [];
  const symlink = dependencies.files.symlink.bind(dependencies.files);
  dependencies.files.symlink = (target, path) => {
    if (target === "failed" || target === "deleted") {
      const crashed = dependencies.files.crash("synced");
      const machine = target === "failed" ? "req-1" : "req-2";
      reads.push(JSON.parse(crashed.readText(`/work/machines/${machine}`)).message);
      assert.equal(crashed.info(`/work/requests/req/${machine}`).kind, "file");
    }
    symlink(target, path);
  };
  await watch(dependencies).go(5_000);
  assert.deepEqual(reads.sort(), ["Returned by Symphony before its pod was created", "the server's words"]);
});

Deno.test("however many machines end at once, their directories are synced once", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 50);
  await giveBack(dependencies, "ret", ...Array.from({ length: 50 }, (_, i) => `req-${i}`));
  const before = dependencies.files.writes.length;
  await watch(dependencies).go(1_000);
  const synced = dependencies.files.writes.slice(before).filter(({ name }) => name === "sync").map(({ paths }) =>
    paths[0]
  );
  assert.equal(synced.filter((path) => path === "/work/machines").length, 1);
  assert.ok(synced.filter((path) => path === "/work/requests/req").length <= 2); // Once more for `.processed`.
  assertHandled(dependencies, "req");
});

Deno.test("whichever write fails for a time, nothing is forgotten, and the request is not handled before its machines", async () => {
  for (const failing of ["writeText", "symlink", "rename", "sync"] as const) {
    const dependencies = await mixed();
    const { go } = watch(dependencies);
    dependencies.files.failWhere(({ name }) => name === failing, noSpace());
    await go(20_000);
    assert.equal(readRequest(dependencies.workdir, "req")?.processed, false, failing);
    dependencies.files.before = () => {};
    await go(60_000);
    assert.deepEqual(statesOf(dependencies, "req").slice(1), ["failed", "deleted"], failing);
    assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0"]);
    assertHandled(dependencies, "req");
  }
});

Deno.test("a machine that was given up and settled before a crash gets its state", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  writeTombstone(dependencies.workdir, "req-0", { up: false, returned: false, givenUp: true, message: "quota" });
  settleMachine(dependencies.workdir, "req", "req-0");
  writeState(dependencies.workdir, "req-0", "creating");
  await watch(dependencies).go(5_000);
  assert.deepEqual(statesOf(dependencies, "req"), ["failed", "creating"]);
  assert.deepEqual(dependencies.kube.named("createPod"), ["req-1"]);
  assertHandled(dependencies, "req");
});

for (const state of ["pending", "running", "unknown"] as const) {
  Deno.test(`a machine whose pod has been seen (${state}) is not created again, whatever became of its pod`, async () => {
    const dependencies = memoryDependencies();
    await ask(dependencies, "req", 1);
    writeState(dependencies.workdir, "req-0", state);
    await watch(dependencies).go(5_000);
    assert.deepEqual(dependencies.kube.calls, []);
    assertHandled(dependencies, "req");
  });
}

Deno.test("a request that is taken away wants nothing any more", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.latencyMs = 100;
  await ask(dependencies, "req", 1);
  const { watcher, go } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.files.removeTree("/work/requests/req");
  await go(60_000);
  assert.deepEqual(dependencies.kube.named("createPod"), ["req-0"]);
});

Deno.test("a request that is taken away while the cluster is away is not created when it is back", async () => {
  const dependencies = memoryDependencies();
  dependencies.kube.fail("createPod", new KubeError("unauthorised", "expired"), { times: 3 });
  await ask(dependencies, "req", 2);
  const { watcher, go } = watch(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.files.removeTree("/work/requests/req");
  await go(60_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], []);
});

Deno.test("what is in the place of one machine's files holds up no other machine and no other request", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "one", 3);
  await ask(dependencies, "two", 2);
  await giveBack(dependencies, "ret", "one-2");
  for (const path of ["pods-status/one-0", "machines/one-2"]) {
    dependencies.files.makeDirectory(`/work/${path}`);
    dependencies.files.writeText(`/work/${path}/x`, "");
  }
  const { go } = watch(dependencies);
  await go(20_000);
  assert.deepEqual([...dependencies.kube.pods.keys()].sort(), ["one-0", "one-1", "two-0", "two-1"]);
  assertHandled(dependencies, "two");
  dependencies.files.removeTree("/work/machines/one-2");
  await go(20_000);
  assert.equal(readTombstone(dependencies.workdir, "one-2")?.returned, true);
  assertHandled(dependencies, "one");
});

for (const put of ["pipe", "makeDirectory"] as const) {
  Deno.test(`machines whose manifest became no file fail with that reason, and no pod is created (${put})`, async () => {
    const dependencies = memoryDependencies();
    const { files, workdir, kube } = dependencies;
    await ask(dependencies, "req", 2);
    files.remove("/work/requests/req/.manifest.json");
    files[put]("/work/requests/req/.manifest.json");
    await run(new RequestMachinesWatcher(dependencies, () => {}), dependencies, 2_000);
    assert.deepEqual([readState(workdir, "req-0"), readState(workdir, "req-1")], ["failed", "failed"]);
    assert.match(readTombstone(workdir, "req-0")?.message ?? "", /not a file|Is a directory/);
    assert.deepEqual(kube.calls, []);
  });
}
