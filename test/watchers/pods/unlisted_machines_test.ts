import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { UnlistedMachines } from "../../../src/watchers/pods/unlisted_machines.ts";
import { writeState } from "../../../src/workdir/machines.ts";
import { markProcessed, settleMachine } from "../../../src/workdir/requests.ts";
import {
  ask,
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
} from "../../support/memory_dependencies.ts";

/** A request `req` of three machines that are all marked as created, and what asks for them. */
async function created(
  options: Parameters<typeof memoryDependencies>[0] = {},
): Promise<{ dependencies: MemoryDependencies; unlisted: UnlistedMachines; answered: () => Promise<string[]> }> {
  const dependencies = memoryDependencies(options);
  await ask(dependencies, "req", 3);
  for (const name of ["req-0", "req-1", "req-2"]) settleMachine(dependencies.workdir, "req", name);
  const unlisted = new UnlistedMachines(dependencies);
  const answered = async () =>
    (await unlisted.ask(dependencies.signal)).map(({ machine, pod }) => `${machine} ${pod ? "is there" : "is gone"}`);
  return { dependencies, unlisted, answered };
}

const unavailable = new KubeError("unavailable", "no connection");

Deno.test("a machine that a list does not name is asked for by its name, once, and what is found is told", async () => {
  const { dependencies, unlisted, answered } = await created();
  dependencies.kube.put(ourPod("req-1"));
  unlisted.begin({ missing: ["req-0", "req-1"], unseen: [] });
  assert.deepEqual([unlisted.size, unlisted.missing], [2, 2]);
  assert.deepEqual(await answered(), ["req-0 is gone", "req-1 is there"]);
  assert.deepEqual([unlisted.size, await answered()], [0, []]);
  assert.deepEqual(dependencies.kube.named("getPod"), ["req-0", "req-1"]);
});

Deno.test("what is asked for comes with the pod as it was when it was suspected, and with whether a list names it", async () => {
  const { dependencies, unlisted } = await created();
  const last = dependencies.kube.put(ourPod("req-0"));
  unlisted.suspect("req-0", last);
  unlisted.confirm(["req-1"]);
  const answers = await unlisted.ask(dependencies.signal);
  const told = answers.map(({ machine, last, isListed }) => [machine, last?.metadata.uid, isListed]);
  assert.deepEqual(told, [["req-0", "uid-req-0", false], ["req-1", undefined, true]]);
});

Deno.test("a new list takes the place of the last one; what was seen of a machine that is still missing stays", async () => {
  const { dependencies, unlisted } = await created();
  unlisted.suspect("req-0", ourPod("req-0"));
  unlisted.suspect("req-1", ourPod("req-1"));
  unlisted.begin({ missing: ["req-0", "req-2"], unseen: [] });
  const answers = await unlisted.ask(dependencies.signal);
  assert.deepEqual(answers.map(({ machine, last }) => [machine, last?.metadata.uid]), [
    ["req-0", "uid-req-0"],
    ["req-2", undefined],
  ]);
});

Deno.test("what a list or a watch shows meanwhile is neither asked for nor told", async () => {
  const { dependencies, unlisted } = await created();
  dependencies.kube.latencyMs = 1_000;
  unlisted.begin({ missing: ["req-0", "req-1"], unseen: ["req-2"] });
  unlisted.saw("req-2");
  const asking = unlisted.ask(dependencies.signal);
  await dependencies.clock.advance(500);
  unlisted.saw("req-1");
  await dependencies.clock.advance(5_000);
  assert.deepEqual((await asking).map(({ machine }) => machine), ["req-0"]);
  assert.deepEqual(dependencies.kube.named("getPod"), ["req-0", "req-1"]);
});

Deno.test("a machine that may still be created, or has a state, is not asked for", async () => {
  const { dependencies, unlisted, answered } = await created();
  await ask(dependencies, "new", 2);
  writeState(dependencies.workdir, "req-1", "running");
  unlisted.expect(["req-0", "req-1", "new-0"]);
  assert.deepEqual(await answered(), ["req-0 is gone"]);
  assert.deepEqual([unlisted.size, dependencies.kube.named("getPod")], [0, ["req-0"]]);
});

Deno.test("a machine whose entry was lost is asked for only once the whole request was handled", async () => {
  const { dependencies, unlisted, answered } = await created();
  dependencies.files.remove("/work/requests/req/req-0");
  unlisted.expect(["req-0"]);
  assert.deepEqual(await answered(), []);
  await markProcessed(dependencies.workdir, "req");
  unlisted.expect(["req-0"]);
  assert.deepEqual(await answered(), ["req-0 is gone"]);
});

Deno.test("a machine that was given back is asked for though its whole request was lost", async () => {
  const { dependencies, unlisted, answered } = await created();
  await giveBack(dependencies, "ret", "req-0");
  dependencies.returns.refresh(dependencies.clock.now());
  dependencies.files.removeTree("/work/requests/req");
  unlisted.expect(["req-0", "req-1"]);
  assert.deepEqual(await answered(), ["req-0 is gone"]);
});

Deno.test("all requests are looked through for machines that count as created and have no state", async () => {
  const { dependencies, unlisted, answered } = await created();
  writeState(dependencies.workdir, "req-1", "pending");
  assert.equal(unlisted.isLookedThrough, true, "before the first list there is nothing to look for");
  unlisted.begin({ missing: [], unseen: [] });
  assert.deepEqual([unlisted.isLookedThrough, unlisted.size], [false, 0]);
  await unlisted.lookThrough();
  assert.deepEqual([unlisted.isLookedThrough, unlisted.size], [true, 2]);
  assert.deepEqual((await answered()).sort(), ["req-0 is gone", "req-2 is gone"]);
});

Deno.test("a request that cannot be read hides no other", async () => {
  const { dependencies, unlisted } = await created();
  dependencies.files.makeDirectory("/work/requests/broken/.request.json");
  unlisted.begin({ missing: [], unseen: [] });
  await unlisted.lookThrough();
  assert.deepEqual([unlisted.isLookedThrough, unlisted.size], [true, 3]);
});

Deno.test("a pod that nothing but asking shows is asked for every ten seconds, and never counts as missing", async () => {
  const { dependencies, unlisted, answered } = await created();
  dependencies.kube.put(ourPod("req-0"));
  unlisted.hide("req-0");
  unlisted.begin({ missing: ["req-0"], unseen: [] });
  assert.deepEqual([unlisted.size, await answered()], [0, []]);
  await dependencies.clock.advance(9_999);
  assert.deepEqual(await answered(), []);
  await dependencies.clock.advance(1);
  assert.deepEqual(await answered(), ["req-0 is there"]);
  assert.deepEqual(await answered(), [], "whoever still cannot see it hides it again");
});

Deno.test("a cluster that cannot be asked answers nothing, and the machines are asked for again", async () => {
  const { dependencies, unlisted, answered } = await created();
  unlisted.begin({ missing: ["req-0", "req-1"], unseen: [] });
  dependencies.kube.fail("getPod", unavailable);
  await assert.rejects(answered(), unavailable);
  assert.equal(unlisted.size, 2);
  dependencies.kube.recover();
  assert.deepEqual(await answered(), ["req-0 is gone", "req-1 is gone"]);
});

Deno.test("what was answered before the cluster failed is told; the rest is asked for again", async () => {
  const { dependencies, unlisted, answered } = await created();
  unlisted.begin({ missing: ["req-0", "req-1"], unseen: [] });
  dependencies.kube.fail("getPod", unavailable, { name: "req-0" });
  assert.deepEqual(await answered(), ["req-1 is gone"]);
  assert.equal(unlisted.size, 1);
});

Deno.test("one pod that must not be read keeps no other from being told", async () => {
  const { dependencies, unlisted, answered } = await created();
  unlisted.begin({ missing: ["req-0", "req-1"], unseen: [] });
  dependencies.kube.fail("getPod", new KubeError("invalid", "no such name"), { name: "req-0" });
  assert.deepEqual([await answered(), unlisted.size], [["req-1 is gone"], 0]);
});

Deno.test("another cluster's word that a pod is not there is not believed", async () => {
  const { dependencies, unlisted, answered } = await created();
  unlisted.begin({ missing: ["req-0"], unseen: [] });
  dependencies.kube.fail("verify", new KubeError("forbidden", "another place"), { times: 1 });
  await assert.rejects(answered(), /another place/);
  assert.equal(unlisted.size, 1);
  assert.deepEqual(await answered(), ["req-0 is gone"]);
});

Deno.test("machines are asked for as many at a time as calls may be under way, until the turn is over", async () => {
  const { dependencies, unlisted, answered } = await created({ concurrency: 2 });
  dependencies.kube.latencyMs = 300;
  unlisted.begin({ missing: Array.from({ length: 10 }, (_, i) => `many-${i}`), unseen: [] });
  const asking = answered();
  await dependencies.clock.advance(10_000);
  assert.equal((await asking).length + unlisted.size, 10);
  assert.equal(dependencies.kube.mostInFlight, 2);
  assert.ok(unlisted.size > 0, "others had their turn");
});

Deno.test("once calls are to end, none is made", async () => {
  const { dependencies, unlisted, answered } = await created();
  unlisted.begin({ missing: ["req-0"], unseen: [] });
  dependencies.end();
  assert.deepEqual([await answered(), dependencies.kube.calls], [[], []]);
});
