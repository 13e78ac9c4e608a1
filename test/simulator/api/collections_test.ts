import assert from "node:assert/strict";
import { Fixture, LEASES, namesOf, PODS } from "../fixture.ts";

/** A fixture with so many pods `p-00`, `p-01`, …, in which nothing happens by itself. */
async function withPods(count: number): Promise<Fixture> {
  const fixture = new Fixture({ stages: [] });
  for (let index = 0; index < count; index++) await fixture.create(`p-${String(index).padStart(2, "0")}`);
  return fixture;
}

Deno.test("an empty list has the current resource version and no further page, though there are pods", async () => {
  using fixture = await withPods(3);
  fixture.cluster.setFault({ name: "empty-lists" });
  const { items, metadata } = await fixture.list("?limit=1");
  assert.deepEqual([items, metadata], [[], { resourceVersion: String(fixture.cluster.revision) }]);
  assert.equal((await fixture.ask("GET", `${PODS}/p-00`)).status, 200);
  assert.equal((await fixture.ask("GET", "/api/v1/nodes")).body.items.length, 10);
});

Deno.test("lists of the named resources are empty, as often as the fault says, and a list that has begun continues", async () => {
  using fixture = await withPods(2);
  fixture.cluster.putLease({ metadata: { name: "l" } });
  const first = await fixture.list("?limit=1");
  fixture.cluster.setFault({ name: "empty-lists", resources: ["leases"] });
  assert.deepEqual((await fixture.ask("GET", LEASES)).body.items, []);
  assert.equal((await fixture.list()).items.length, 2);
  fixture.cluster.setFault({ name: "empty-lists", count: 1 });
  assert.deepEqual(namesOf(await fixture.list(`?limit=1&continue=${first.metadata.continue}`)), ["p-01"]);
  assert.equal((await fixture.list()).items.length, 0);
  assert.equal((await fixture.list()).items.length, 2);
});

Deno.test("partial lists omit the same pods each time, paged or not, and others under another fault", async () => {
  using fixture = await withPods(60);
  const { cluster } = fixture;
  cluster.setFault({ name: "partial-lists", missing: 0.5 });
  const whole = namesOf(await fixture.list());
  assert.ok(whole.length > 15 && whole.length < 45, `${whole.length} of 60 listed`);
  const first = await fixture.list("?limit=10");
  const second = await fixture.list(`?limit=100&continue=${first.metadata.continue}`);
  assert.deepEqual([...namesOf(first), ...namesOf(second)], whole);
  assert.equal(first.metadata.resourceVersion, String(cluster.revision));
  cluster.clearFaults();
  cluster.setFault({ name: "partial-lists", id: "another", missing: 0.5 });
  assert.notDeepEqual(namesOf(await fixture.list()), whole);
  cluster.clearFaults();
  assert.equal((await fixture.list()).items.length, 60);
});

Deno.test("each repeated page leads to itself, and a list without a limit is complete", async () => {
  using fixture = await withPods(3);
  fixture.cluster.setFault({ name: "repeated-pages" });
  const first = await fixture.list("?limit=2");
  const page = `?limit=2&continue=${first.metadata.continue}`;
  const second = await fixture.list(page);
  assert.deepEqual([namesOf(first), namesOf(second)], [["p-00", "p-01"], ["p-02"]]);
  assert.equal(second.metadata.continue, first.metadata.continue);
  assert.deepEqual(await fixture.list(page), second);
  const { metadata } = await fixture.list("?limit=500");
  const again = await fixture.list(`?limit=500&continue=${metadata.continue}`);
  assert.deepEqual([again.items.length, again.metadata.continue], [3, metadata.continue]);
  assert.equal((await fixture.list()).metadata.continue, undefined);
});

for (const [how, endsAfterMs] of [["timeout", 30_000], ["at-once", 0]] as const) {
  Deno.test(`an unstreamed watch carries nothing and ends cleanly (${how})`, async () => {
    using fixture = await withPods(1);
    fixture.cluster.setFault({ name: "unstreamed-watches", how, count: 1 });
    const query = "timeoutSeconds=30&allowWatchBookmarks=true";
    const [unstreamed, other] = [await fixture.watch(query), await fixture.watch(query)];
    await fixture.create("late");
    await fixture.clock.advance(endsAfterMs - 1);
    assert.equal(unstreamed.ended, endsAfterMs > 0 ? "no" : "clean");
    await fixture.clock.advance(30_000 - endsAfterMs + 1);
    await Promise.all([unstreamed.done, other.done]);
    assert.deepEqual([unstreamed.ended, unstreamed.events], ["clean", []]);
    assert.deepEqual((await other.said()).slice(0, 3), ["ADDED p-00 Pending", "BOOKMARK", "ADDED late Pending"]);
  });
}

Deno.test("hidden pods are in no list, GET or event, and no event reports the beginning or end of that", async () => {
  using fixture = await withPods(1);
  const { cluster } = fixture;
  const watch = await fixture.watch("");
  cluster.setFault({ name: "hidden-pods" });
  assert.deepEqual(namesOf(await fixture.list()), []);
  assert.equal((await fixture.ask("GET", `${PODS}/p-00`)).status, 404);
  const during = await fixture.watch("");
  await fixture.ask("PATCH", `${PODS}/p-00`, { metadata: { annotations: { change: "unseen" } } });
  await fixture.create("born-unseen");
  await fixture.ask("DELETE", `${PODS}/born-unseen`);
  assert.deepEqual([await watch.said(), await during.said()], [["ADDED p-00 Pending"], []]);
  cluster.clearFaults();
  assert.equal((await fixture.ask("GET", `${PODS}/p-00`)).body.metadata.annotations.change, "unseen");
  assert.equal((await watch.said()).length, 1);
  await fixture.ask("PATCH", `${PODS}/p-00`, { metadata: { annotations: { change: "seen" } } });
  assert.deepEqual(await watch.said(), ["ADDED p-00 Pending", "MODIFIED p-00 Pending"]);
  assert.deepEqual(await during.said(), ["MODIFIED p-00 Pending"]);
});

Deno.test("a share of the pods is hidden, the same in lists, GETs and watches", async () => {
  using fixture = await withPods(60);
  fixture.cluster.setFault({ name: "hidden-pods", share: 0.5 });
  const listed = namesOf(await fixture.list());
  assert.ok(listed.length > 15 && listed.length < 45, `${listed.length} of 60 listed`);
  const told = (await (await fixture.watch("")).said()).map((said) => said.split(" ")[1]);
  assert.deepEqual(told, listed);
  for (const { metadata: { name = "" } } of fixture.cluster.listPods()) {
    assert.equal((await fixture.ask("GET", `${PODS}/${name}`)).status, listed.includes(name) ? 200 : 404, name);
  }
});
