import assert from "node:assert/strict";
import type { Pod } from "../../../src/kube/types.ts";
import type { Namespace } from "../../../src/simulator/objects/namespaces.ts";
import { Fixture, podOf } from "../fixture.ts";

const NAMESPACE = "/api/v1/namespaces/grid";
const LEASE = { metadata: { name: "l" } };

/** A namespace `grid` with a lease, and pods that have these finalizers. */
async function withGrid(finalizers: string[] = []): Promise<Fixture> {
  const fixture = new Fixture({ namespaces: ["grid"] });
  for (const name of ["a", "b"]) {
    const pod = podOf(name);
    await fixture.ask("POST", `${NAMESPACE}/pods`, { ...pod, metadata: { ...pod.metadata, finalizers } });
  }
  await fixture.allRunning(2);
  fixture.cluster.putLease(LEASE, { namespace: "grid" });
  return fixture;
}

Deno.test("a namespace that is being deleted refuses creates, and is gone once its pods are", async () => {
  using fixture = await withGrid();
  const { cluster, clock } = fixture;
  const watch = await fixture.watch(`resourceVersion=${cluster.revision}`, `${NAMESPACE}/pods`);
  const { body } = await fixture.ask<Namespace>("DELETE", NAMESPACE);
  assert.equal(body.status.phase, "Terminating");
  assert.equal(cluster.countPods().deleting, 2);
  assert.equal(cluster.getLease("l", { namespace: "grid" }), undefined);
  assert.equal((await fixture.ask("POST", `${NAMESPACE}/pods`, podOf("late"))).status, 403);
  assert.throws(() => cluster.putLease(LEASE, { namespace: "grid" }), /because it is being terminated/);
  await clock.runUntil(() => cluster.countPods().total === 0);
  assert.equal((await fixture.ask("GET", NAMESPACE)).status, 404);
  await watch.said();
  const gone = watch.events.filter(({ type }) => type === "DELETED").map(({ object }) => (object as Pod).metadata);
  assert.deepEqual(
    gone.map(({ deletionGracePeriodSeconds, deletionTimestamp }) => [
      deletionGracePeriodSeconds,
      typeof deletionTimestamp,
    ]),
    [[0, "string"], [0, "string"]],
  );
});

Deno.test("an empty namespace is gone as soon as it is deleted", async () => {
  using fixture = new Fixture({ namespaces: ["grid"] });
  await fixture.ask("DELETE", NAMESPACE);
  assert.equal((await fixture.ask("GET", NAMESPACE)).status, 404);
  assert.equal((await fixture.ask("POST", "/api/v1/namespaces", { metadata: { name: "grid" } })).status, 201);
});

Deno.test("a recreated namespace has another uid and is empty, whatever finalizers its pods had", async () => {
  using fixture = await withGrid(["example.com/hold"]);
  const { cluster } = fixture;
  const { body: before } = await fixture.ask<Namespace>("GET", NAMESPACE);
  cluster.recreateNamespace("grid");
  const { body: after } = await fixture.ask<Namespace>("GET", NAMESPACE);
  assert.notEqual(after.metadata.uid, before.metadata.uid);
  assert.equal(after.status.phase, "Active");
  assert.equal(cluster.countPods().total, 0);
  assert.equal(cluster.getLease("l", { namespace: "grid" }), undefined);
  assert.equal((await fixture.ask("POST", `${NAMESPACE}/pods`, podOf("a"))).status, 201);
});

Deno.test("the namespace kube-system exists from the start, for users that may get namespaces", async () => {
  using fixture = new Fixture({ users: [{ name: "bob", token: "admin", allow: ["get pods"] }] });
  const path = "/api/v1/namespaces/kube-system";
  assert.equal((await fixture.ask("GET", path)).status, 403);
  fixture.cluster.access.grant({ name: "bob", token: "admin", allow: ["get namespaces"] });
  const { body } = await fixture.ask<Namespace>("GET", path);
  assert.match(body.metadata.uid ?? "", /^[0-9a-f-]{36}$/);
  assert.equal((await fixture.ask<Namespace>("GET", path)).body.metadata.uid, body.metadata.uid);
});
