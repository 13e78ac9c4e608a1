import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import { RequestReturnMachinesWatcher } from "../../../src/watchers/returns/watcher.ts";
import { readState, readTombstone, writeState } from "../../../src/workdir/machines.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { readReturn } from "../../../src/workdir/returns.ts";
import { noSpace, notPermitted } from "../../support/memory_files.ts";
import { settled } from "../../support/simulated_clock.ts";
import {
  ask,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";

/** Machines `req-0` and on that run, as the work directory and the cluster know them. */
async function running(count: number, options: { concurrency?: number } = {}): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies(options);
  await ask(dependencies, "req", count);
  for (let i = 0; i < count; i++) {
    settleMachine(dependencies.workdir, "req", `req-${i}`);
    see(dependencies, `req-${i}`);
  }
  return dependencies;
}

function see(dependencies: MemoryDependencies, name: string): void {
  const stored = dependencies.kube.put(ourPod(name, { phase: "Running" }));
  dependencies.files.writeText(`/work/pods/${name}`, podFileText(stored));
  writeState(dependencies.workdir, name, "running");
}

/** What the pods' watcher notes of a pod that is gone. */
function seeGone(dependencies: MemoryDependencies, name: string): void {
  writeState(dependencies.workdir, name, "deleted");
  dependencies.workdir.remove(`/work/pods/${name}`);
}

const watcherOf = (dependencies: MemoryDependencies) => new RequestReturnMachinesWatcher(dependencies, () => {});

Deno.test("returned machines are deleted with their uids, and no other; handled is only what was seen gone", async () => {
  const dependencies = await running(4);
  const watcher = watcherOf(dependencies);
  await giveBack(dependencies, "ret", "req-1", "req-2");
  await run(watcher, dependencies, 5_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0", "req-3"]);
  assert.deepEqual(dependencies.kube.calls.map(({ call, name, uid }) => [call, name, uid]).sort(), [
    ["deletePod", "req-1", "uid-req-1"],
    ["deletePod", "req-2", "uid-req-2"],
  ]);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, false);
  seeGone(dependencies, "req-1");
  await run(watcher, dependencies, 2_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, false);
  seeGone(dependencies, "req-2");
  await run(watcher, dependencies, 2_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
  assert.equal(dependencies.kube.calls.length, 2);
});

Deno.test("a delete that fails is repeated until it is accepted", async () => {
  const dependencies = await running(3);
  dependencies.kube.fail("deletePod", new KubeError("unavailable", "away"), { times: 5 });
  await giveBack(dependencies, "ret", "req-0", "req-1", "req-2");
  await run(watcherOf(dependencies), dependencies, 60_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("a pod that is not seen going is asked for again", async () => {
  const dependencies = await running(1);
  await giveBack(dependencies, "ret", "req-0");
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 5_000);
  dependencies.kube.put(ourPod("req-0", { phase: "Running" })); // The deletion was lost, as by an API server's crash.
  await run(watcher, dependencies, 60_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("another pod under the same name is never touched", async () => {
  const dependencies = await running(1);
  dependencies.kube.put(ourPod("req-0", { phase: "Running" }, { uid: "another" }));
  await giveBack(dependencies, "ret", "req-0");
  await run(watcherOf(dependencies), dependencies, 120_000);
  assert.equal(dependencies.kube.pods.get("req-0")?.metadata.uid, "another");
});

Deno.test("a machine that was created and not seen yet is found and deleted; one that is not ours is left alone", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 2);
  for (const name of ["req-0", "req-1"]) settleMachine(dependencies.workdir, "req", name);
  dependencies.kube.put(ourPod("req-0"));
  dependencies.kube.put(ourPod("req-1", {}, { labels: { app: "somebody's" } }));
  await giveBack(dependencies, "ret", "req-0", "req-1");
  await run(watcherOf(dependencies), dependencies, 60_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-1"]);
  // No one but us ever saw these pods: the cluster's word for it that they are gone ends the return request.
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
  for (const name of ["req-0", "req-1"]) assert.equal(readState(dependencies.workdir, name), "deleted");
});

Deno.test("nothing is kept of a pod that no one but us ever saw, once it is gone", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  dependencies.kube.put(ourPod("req-0"));
  await giveBack(dependencies, "ret", "req-0");
  const outcome = await run(watcherOf(dependencies), dependencies, 10_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
  assert.deepEqual(outcome, { kind: "done" }, "there is nothing to ask for again");
});

Deno.test("a machine that is still to be created is waited for, not asked for", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  await giveBack(dependencies, "ret", "req-0");
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 5_000);
  assert.deepEqual(dependencies.kube.calls, []);
  writeState(dependencies.workdir, "req-0", "deleted"); // As the requests' watcher does.
  await run(watcher, dependencies, 2_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
});

Deno.test("the same machine in two return requests is deleted once, and both are handled", async () => {
  const dependencies = await running(1);
  await giveBack(dependencies, "one", "req-0");
  await giveBack(dependencies, "two", "req-0");
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 2_000);
  seeGone(dependencies, "req-0");
  await run(watcher, dependencies, 2_000);
  assert.equal(dependencies.kube.calls.length, 1);
  for (const id of ["one", "two"]) assert.equal(readReturn(dependencies.workdir, id)?.processed, true);
});

Deno.test("a return request of nothing is handled at once", async () => {
  const dependencies = memoryDependencies();
  await giveBack(dependencies, "ret");
  await run(watcherOf(dependencies), dependencies, 1_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
});

Deno.test("one that counts as handled with a pod left behind is taken up again", async () => {
  const dependencies = await running(1);
  await giveBack(dependencies, "ret", "req-0");
  dependencies.files.writeText("/work/return-requests/ret/.processed", "");
  await run(watcherOf(dependencies), dependencies, 2_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("what is no machine is not asked for, whoever put it among pods and return requests", async () => {
  const dependencies = await running(1);
  dependencies.files.makeDirectory("/work/return-requests/X Y");
  for (const path of ["return-requests/X Y/X Y", "pods/X Y"]) dependencies.files.writeText(`/work/${path}`, "");
  await run(new RequestReturnMachinesWatcher(dependencies, () => {}), dependencies);
  assert.deepEqual(dependencies.kube.calls, []);
});

Deno.test("one that cannot be read now is taken up later, and holds up no other", async () => {
  const dependencies = await running(2);
  await giveBack(dependencies, "one", "req-0");
  await giveBack(dependencies, "two", "req-1");
  dependencies.files.failWhere(
    ({ name, paths }) => name === "list" && paths[0] === "/work/return-requests/one",
    notPermitted(),
  );
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 2_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0"]);
  dependencies.files.before = () => {};
  await run(watcher, dependencies, 5_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("told to stop, it deletes nothing more", async () => {
  const dependencies = await running(5, { concurrency: 1 });
  dependencies.kube.latencyMs = 100;
  await giveBack(dependencies, "ret", ...Array.from({ length: 5 }, (_, i) => `req-${i}`));
  const watcher = watcherOf(dependencies);
  await watcher.step(dependencies.stopping);
  dependencies.stop();
  const drained = watcher.drained();
  await dependencies.clock.advance(1_000);
  await drained;
  assert.equal(dependencies.kube.pods.size, 4);
});

Deno.test("a pod that was gone before anybody saw it ends the return request, and that it was returned is noted", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  writeState(dependencies.workdir, "req-0", "running");
  await giveBack(dependencies, "ret", "req-0");
  await run(watcherOf(dependencies), dependencies, 2_000);
  assert.equal(readState(dependencies.workdir, "req-0"), "deleted");
  const { returned, up, message } = readTombstone(dependencies.workdir, "req-0")!;
  assert.deepEqual({ returned, up, message }, { returned: true, up: true, message: "Returned by Symphony" });
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
});

Deno.test("all that are to be found are asked for in their turn, a few at a time, with growing patience", async () => {
  const dependencies = memoryDependencies({ concurrency: 4 });
  await ask(dependencies, "req", 40);
  const names = Array.from({ length: 40 }, (_, i) => `req-${i}`);
  for (const name of names) settleMachine(dependencies.workdir, "req", name);
  // Those that come first are the ones that cannot be asked for.
  for (const name of names.slice(0, 20)) dependencies.kube.fail("getPod", new KubeError("invalid", "no"), { name });
  for (const name of names.slice(20)) dependencies.kube.put(ourPod(name));
  dependencies.kube.latencyMs = 10;
  await giveBack(dependencies, "ret", ...names);
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 5_000);
  assert.equal(dependencies.kube.pods.size, 0);
  await run(watcher, dependencies, 115_000);
  const asked = dependencies.kube.named("getPod").filter((name) => name === "req-0").length;
  assert.ok(asked >= 3 && asked <= 12, `asked ${asked} times in two minutes`);
});

Deno.test("a pod that shows up after its return request was handled is deleted", async () => {
  const dependencies = memoryDependencies();
  await ask(dependencies, "req", 1);
  writeState(dependencies.workdir, "req-0", "deleted");
  settleMachine(dependencies.workdir, "req", "req-0");
  await giveBack(dependencies, "ret", "req-0");
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 2_000);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
  see(dependencies, "req-0"); // Created by a process that was killed before it could note so.
  await run(watcher, dependencies, 15_000);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("a machine whose files cannot be read, and a note that cannot be written, hold up no other return", async () => {
  const dependencies = await running(3);
  for (const i of [0, 1, 2]) await giveBack(dependencies, `ret${i}`, `req-${i}`);
  dependencies.files.failWhere(({ name, paths }) =>
    (name === "readText" && paths[0] === "/work/pods/req-0") ||
    (name === "rename" && paths[1] === "/work/return-requests/ret1/.processed"), noSpace());
  const watcher = watcherOf(dependencies);
  await run(watcher, dependencies, 2_000);
  assert.deepEqual([...dependencies.kube.pods.keys()], ["req-0"]);
  for (const name of ["req-1", "req-2"]) seeGone(dependencies, name);
  await run(watcher, dependencies, 20_000);
  const processed = () => [0, 1, 2].map((i) => readReturn(dependencies.workdir, `ret${i}`)?.processed);
  assert.deepEqual(processed(), [false, false, true]);
  dependencies.files.before = () => {};
  await run(watcher, dependencies, 20_000);
  seeGone(dependencies, "req-0");
  await run(watcher, dependencies, 20_000);
  assert.deepEqual(processed(), [true, true, true]);
  assert.equal(dependencies.kube.pods.size, 0);
});

Deno.test("a machine of which nothing is known is asked for: what the cluster does not know is gone, and leaves nothing", async () => {
  const dependencies = memoryDependencies();
  await giveBack(dependencies, "ret", "lost-0", "lost-1");
  dependencies.kube.put(ourPod("lost-1", { phase: "Running" }));
  await run(new RequestReturnMachinesWatcher(dependencies, () => {}), dependencies, 3_000);
  assert.deepEqual(dependencies.kube.named("deletePod"), ["lost-1"]);
  assert.equal(readReturn(dependencies.workdir, "ret")?.processed, true);
  assert.deepEqual([...dependencies.kube.pods.keys()], []);
  for (const path of ["machines", "pods-status"]) assert.deepEqual(dependencies.workdir.names(`/work/${path}`), []);
});

Deno.test("between two looks at all, only those machines are looked at that are named; what no one names is seen by the next", async () => {
  const dependencies = await running(50);
  const names = Array.from({ length: 50 }, (_, i) => `req-${i}`);
  await giveBack(dependencies, "ret", ...names);
  const watcher = watcherOf(dependencies);
  const looked = new Set<string>();
  dependencies.files.before = ({ paths: [path = ""] }) => {
    if (!path.startsWith("/work/pods/")) return;
    looked.add(path.slice("/work/pods/".length));
    dependencies.clock.pass(0.2);
  };
  await watcher.step(dependencies.stopping);
  await settled();
  assert.equal(looked.size, 50, "all of them at first");
  looked.clear();
  for (const name of ["req-7", "req-8"]) seeGone(dependencies, name);
  looked.clear();
  watcher.changed(["req-7", "another-0"]);
  await watcher.step(dependencies.stopping);
  assert.deepEqual([...looked], ["req-7"]);
  const outcome = await watcher.step(dependencies.stopping);
  const roundInMs = outcome.kind === "again" ? outcome.atMs - dependencies.clock.monotonic() : Infinity;
  assert.ok(roundInMs > 0 && roundInMs <= 10_000, `all are looked at in ${roundInMs} ms`);
  looked.clear();
  await dependencies.clock.advance(roundInMs);
  await watcher.step(dependencies.stopping);
  assert.equal(looked.size, 49, "all that are left");
});

Deno.test("what is taken up while all rest is looked at at once", async () => {
  const dependencies = await running(30);
  const watcher = watcherOf(dependencies);
  dependencies.files.before = () => dependencies.clock.pass(0.05);
  await giveBack(dependencies, "one", ...Array.from({ length: 29 }, (_, i) => `req-${i}`));
  await watcher.step(dependencies.stopping);
  await giveBack(dependencies, "two", "req-29");
  await watcher.step(dependencies.stopping);
  await settled();
  assert.ok(dependencies.kube.named("deletePod").includes("req-29"));
});
