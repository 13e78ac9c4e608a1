import assert from "node:assert/strict";
import type { Pod, Status } from "../../src/kube/types.ts";
import { Fixture, LEASES, namesOf, podOf, PODS } from "./fixture.ts";

/**
 * A fixture with a restored etcd. Since the snapshot the pod `changed` and the lease `l` had been changed, the pod `removed`
 * had been deleted and the pod `added` created; `lost` is the revision after that.
 */
async function afterRestore(apiServer: "restarted" | "running") {
  const fixture = new Fixture({ stages: [], bookmarkPeriodMs: 1000 });
  const { cluster } = fixture;
  for (const name of ["changed", "removed"]) await fixture.create(name);
  cluster.putLease({ metadata: { name: "l" }, spec: { holderIdentity: "old" } });
  const snapshot = cluster.snapshot();
  await fixture.ask("PATCH", `${PODS}/changed`, { metadata: { annotations: { a: "new" } } });
  const { body: changed } = await fixture.ask<Pod>("GET", `${PODS}/changed`);
  cluster.deletePod("removed");
  await fixture.create("added");
  cluster.putLease({ metadata: { name: "l" }, spec: { holderIdentity: "new" } });
  cluster.removeNode("node-0000");
  const lost = cluster.revision;
  const page = await fixture.list("?limit=1");
  const open = await fixture.watch(`resourceVersion=${lost}&allowWatchBookmarks=true&timeoutSeconds=60`);
  cluster.restore(snapshot, { apiServer });
  return { fixture, cluster, snapshot, lost, changed, open, page };
}

Deno.test("a restore brings back objects of every kind and the revision, and reports no change", async () => {
  const { fixture, cluster, snapshot, lost } = await afterRestore("restarted");
  using _ = fixture;
  const told: string[] = [];
  cluster.onPodChange(({ object }) => told.push(object.metadata.name ?? ""));
  assert.deepEqual(cluster.listPods().map(({ metadata }) => metadata.name), ["changed", "removed"]);
  assert.equal(cluster.getPod("changed")?.metadata.annotations, undefined);
  assert.equal(cluster.getLease("l")?.spec.holderIdentity, "old");
  assert.equal(cluster.listNodes().length, 10);
  assert.equal(cluster.revision, snapshot.revision);
  cluster.restore(snapshot);
  assert.deepEqual(told, []);
  const { body } = await fixture.create("again");
  assert.equal(body.metadata.resourceVersion, String(snapshot.revision + 1));
  assert.ok(snapshot.revision + 1 < lost, "the resource version is used a second time");
});

Deno.test("with a restarted API server, lists show the restored objects, and a future resource version gets 504", async () => {
  const { fixture, snapshot, lost, page } = await afterRestore("restarted");
  using _ = fixture;
  const list = await fixture.list();
  assert.deepEqual([namesOf(list), list.metadata.resourceVersion], [["changed", "removed"], String(snapshot.revision)]);
  for (const query of [`resourceVersion=${lost}`, `limit=1&continue=${page.metadata.continue}`]) {
    const { status, body } = await fixture.ask<Status>("GET", `${PODS}?${query}`);
    assert.deepEqual([status, body.details?.causes?.[0]?.reason], [504, "ResourceVersionTooLarge"], query);
  }
});

Deno.test("with a restarted API server, open watches break, and one from a future revision misses what comes before that", async () => {
  const { fixture, cluster, snapshot, lost, open } = await afterRestore("restarted");
  using _ = fixture;
  await open.done;
  assert.deepEqual([open.ended, open.events], ["broken", []]);
  const query = `resourceVersion=${lost}&allowWatchBookmarks=true`;
  const [short, long] = [await fixture.watch(`${query}&timeoutSeconds=5`), await fixture.watch(query)];
  await fixture.clock.advance(5000);
  await short.done;
  assert.deepEqual([short.ended, short.events], ["clean", []]);
  for (let number = 0; cluster.revision < lost; number++) await fixture.create(`missed-${number}`);
  await fixture.create("heard");
  assert.deepEqual(await long.said(), ["ADDED heard Pending"]);
  const older = await fixture.watch(`resourceVersion=${snapshot.revision - 1}`);
  await older.done;
  assert.deepEqual(older.events.map(({ type, object }) => [type, (object as Status).code]), [["ERROR", 410]]);
  assert.equal(
    (await (await fixture.watch(`resourceVersion=${snapshot.revision}`)).said())[0],
    "ADDED missed-0 Pending",
  );
});

for (const apiServer of ["restarted", "running"] as const) {
  Deno.test(`GET by name and writes see the restored objects (API server ${apiServer})`, async () => {
    const { fixture, cluster, changed } = await afterRestore(apiServer);
    using _ = fixture;
    assert.equal((await fixture.ask("GET", `${PODS}/added`)).status, 404);
    assert.equal((await fixture.ask("GET", `${PODS}/removed`)).status, 200);
    assert.equal((await fixture.ask("GET", `${LEASES}/l`)).body.spec.holderIdentity, "old");
    assert.equal((await fixture.ask("PUT", `${PODS}/changed`, changed)).status, 409);
    assert.equal((await fixture.ask("POST", PODS, podOf("added"))).status, 201);
    assert.equal((await fixture.ask("DELETE", `${PODS}/removed`)).status, 200);
    assert.deepEqual(cluster.listPods().map(({ metadata }) => metadata.name), ["changed", "added"]);
  });
}

Deno.test("an API server that keeps running shows the lost state in lists, pages and new watches", async () => {
  const { fixture, lost, open, page } = await afterRestore("running");
  using _ = fixture;
  await fixture.create("unseen");
  for (const query of ["", "?resourceVersion=0", `?resourceVersion=${lost}`]) {
    const list = await fixture.list(query);
    assert.deepEqual([namesOf(list), list.metadata.resourceVersion], [["added", "changed"], String(lost)], query);
  }
  assert.deepEqual(namesOf(await fixture.list(`?limit=1&continue=${page.metadata.continue}`)), ["changed"]);
  const fresh = await fixture.watch("timeoutSeconds=5&allowWatchBookmarks=true");
  await fixture.clock.advance(5000);
  await fresh.done;
  assert.deepEqual(await fresh.said(), ["ADDED added Pending", "ADDED changed Pending", "BOOKMARK"]);
  assert.deepEqual([open.ended, open.events], ["no", []]);
});

Deno.test("an API server that keeps running reports changes past the lost revision, and all is right after its restart", async () => {
  const { fixture, cluster, lost, open } = await afterRestore("running");
  using _ = fixture;
  for (let number = 0; cluster.revision < lost; number++) await fixture.create(`missed-${number}`);
  await fixture.ask("PATCH", `${PODS}/removed`, { metadata: { annotations: { a: "b" } } });
  await fixture.ask("PATCH", `${PODS}/changed`, { metadata: { annotations: { a: "b" } } });
  await fixture.ask("DELETE", `${PODS}/missed-0`);
  const told = ["ADDED removed Pending", "MODIFIED changed Pending"];
  assert.deepEqual((await open.said()).slice(0, 2), told);
  assert.deepEqual(namesOf(await fixture.list()), ["added", "changed", "removed"]);
  cluster.restartApiServer();
  await open.done;
  assert.equal(open.ended, "broken");
  assert.deepEqual(namesOf(await fixture.list()).slice(0, 2), ["changed", "missed-1"]);
  const { status } = await fixture.watch(`resourceVersion=${cluster.revision}`);
  assert.equal(status, 200);
});

Deno.test("a deletecollection under a running API server deletes those of the lost pods that exist", async () => {
  const { fixture, cluster } = await afterRestore("running");
  using _ = fixture;
  assert.equal((await fixture.ask("DELETE", PODS)).status, 200);
  assert.deepEqual(cluster.listPods().map(({ metadata }) => metadata.name), ["removed"]);
});

Deno.test("pods continue from their restored state, and nodes count them", async () => {
  using fixture = new Fixture({ nodes: { count: 1, pods: 2 } });
  const { cluster, clock } = fixture;
  await fixture.create("going");
  await fixture.allRunning(1);
  await fixture.create("coming");
  cluster.deletePod("going", { gracePeriodSeconds: 30 });
  const snapshot = cluster.snapshot();
  await clock.advance(10_000);
  assert.deepEqual(cluster.countPods(), { total: 1, phases: { Running: 1 }, ready: 1, deleting: 0 });
  await fixture.create("later");
  await clock.advance(10_000);
  cluster.restore(snapshot);
  assert.deepEqual(cluster.countPods(), { total: 2, phases: { Running: 1, Pending: 1 }, ready: 1, deleting: 1 });
  await clock.advance(10_000);
  assert.deepEqual(cluster.listPods().map(({ metadata, status }) => [metadata.name, status?.phase]), [
    ["coming", "Running"],
  ]);
  // There is room for one more on the node, and no more.
  for (const name of ["second", "third"]) await fixture.create(name);
  await clock.advance(10_000);
  assert.equal(cluster.countPods().phases["Running"], 2);
});

Deno.test("a quota counts restored pods", async () => {
  using fixture = new Fixture({ stages: [] });
  const quotas = "/api/v1/namespaces/default/resourcequotas";
  await fixture.ask("POST", quotas, { metadata: { name: "q" }, spec: { hard: { pods: "1" } } });
  const empty = fixture.cluster.snapshot();
  await fixture.create("a");
  const full = fixture.cluster.snapshot();
  fixture.cluster.restore(empty);
  assert.equal((await fixture.create("b")).status, 201);
  fixture.cluster.restore(full);
  assert.equal((await fixture.create("b")).status, 403);
});
