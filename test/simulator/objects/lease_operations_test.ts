import assert from "node:assert/strict";
import type { KubeList, Lease } from "../../../src/kube/types.ts";
import type { FaultInput } from "../../../src/simulator/faults/faults.ts";
import { Fixture, LEASES } from "../fixture.ts";

const spec = {
  holderIdentity: "a",
  leaseDurationSeconds: 15,
  acquireTime: "2026-11-21T10:00:00.000000Z",
  renewTime: "2026-11-21T10:00:07.123456Z",
  leaseTransitions: 3,
};

/** A fixture with the lease `l`, and that lease. */
async function withLease(options = {}): Promise<{ fixture: Fixture; lease: Lease }> {
  const fixture = new Fixture(options);
  const { body } = await fixture.ask<Lease>("POST", LEASES, { metadata: { name: "l" }, spec });
  return { fixture, lease: body };
}

function heldBy(lease: Lease, holderIdentity: string): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity } };
}

Deno.test("a lease is returned as given, with its times verbatim, by GET and in a list", async () => {
  const { fixture, lease } = await withLease();
  using _ = fixture;
  assert.deepEqual(lease.spec, spec);
  assert.deepEqual((await fixture.ask("GET", `${LEASES}/l`)).body, lease);
  const { items } = (await fixture.ask<KubeList<Lease>>("GET", LEASES)).body;
  assert.deepEqual(items.map(({ metadata, spec }) => ({ metadata, spec })), [{ metadata: lease.metadata, spec }]);
});

Deno.test("the second of two updates from the same resource version gets 409", async () => {
  const { fixture, lease } = await withLease();
  using _ = fixture;
  const first = await fixture.ask<Lease>("PUT", `${LEASES}/l`, heldBy(lease, "b"));
  const second = await fixture.ask("PUT", `${LEASES}/l`, heldBy(lease, "c"));
  assert.deepEqual([first.status, second.status, second.body.reason], [200, 409, "Conflict"]);
  assert.equal(fixture.cluster.getLease("l")?.spec.holderIdentity, "b");
  assert.equal(first.body.metadata.uid, lease.metadata.uid);
  assert.ok(Number(first.body.metadata.resourceVersion) > Number(lease.metadata.resourceVersion));
});

Deno.test("a write of another user is visible, and a conflict for an update from before", async () => {
  const { fixture, lease } = await withLease();
  using _ = fixture;
  const { cluster } = fixture;
  const other = cluster.putLease({ metadata: { name: "l" }, spec: { holderIdentity: "other" } });
  assert.equal(other.metadata.uid, lease.metadata.uid);
  assert.equal((await fixture.ask("GET", `${LEASES}/l`)).body.spec.holderIdentity, "other");
  assert.equal((await fixture.ask("PUT", `${LEASES}/l`, heldBy(lease, "b"))).status, 409);
  assert.ok(cluster.deleteLease("l"));
  assert.equal((await fixture.ask("GET", `${LEASES}/l`)).status, 404);
  assert.equal(cluster.deleteLease("l"), false);
});

Deno.test("an update recreates a deleted lease, unless it names the uid", async () => {
  const { fixture, lease } = await withLease();
  using _ = fixture;
  fixture.cluster.deleteLease("l");
  assert.equal((await fixture.ask("PUT", `${LEASES}/l`, heldBy(lease, "b"))).status, 409);
  assert.equal(fixture.cluster.getLease("l"), undefined);
  const { uid: _uid, ...metadata } = lease.metadata;
  assert.equal((await fixture.ask("PUT", `${LEASES}/l`, heldBy({ ...lease, metadata }, "b"))).status, 201);
  assert.notEqual(fixture.cluster.getLease("l")?.metadata.uid, lease.metadata.uid);
});

Deno.test("an update that changes nothing is not written", async () => {
  const { fixture, lease } = await withLease();
  using _ = fixture;
  assert.deepEqual((await fixture.ask("PUT", `${LEASES}/l`, lease)).body, lease);
  assert.equal(fixture.cluster.revision, Number(lease.metadata.resourceVersion));
});

Deno.test("leases of the same name in two namespaces are independent", async () => {
  const { fixture } = await withLease({ namespaces: ["other"] });
  using _ = fixture;
  fixture.cluster.putLease({ metadata: { name: "l" }, spec: { holderIdentity: "x" } }, { namespace: "other" });
  assert.equal(fixture.cluster.getLease("l")?.spec.holderIdentity, "a");
  assert.equal(fixture.cluster.getLease("l", { namespace: "other" })?.spec.holderIdentity, "x");
});

Deno.test("each verb on leases needs its own grant", async () => {
  const allow = ["get leases", "create leases"];
  using fixture = new Fixture({ users: [{ name: "bob", token: "admin", allow }] });
  const { status, body } = await fixture.ask("POST", LEASES, { metadata: { name: "l" }, spec });
  assert.deepEqual([status, (await fixture.ask("GET", `${LEASES}/l`)).status], [201, 200]);
  const refused = await fixture.ask("PUT", `${LEASES}/l`, body);
  assert.deepEqual([refused.status, refused.body.details], [403, {
    name: "l",
    group: "coordination.k8s.io",
    kind: "leases",
  }]);
  fixture.cluster.access.grant({ name: "bob", token: "admin", allow: [...allow, "update leases"] });
  assert.equal((await fixture.ask("PUT", `${LEASES}/l`, body)).status, 200);
});

Deno.test("a watch of leases reports their changes", async () => {
  using fixture = new Fixture();
  const watch = await fixture.watch(`resourceVersion=${fixture.cluster.revision}`, LEASES);
  fixture.cluster.putLease({ metadata: { name: "l" }, spec });
  fixture.cluster.putLease({ metadata: { name: "l" }, spec: { ...spec, leaseTransitions: 4 } });
  fixture.cluster.deleteLease("l");
  await watch.said();
  const told = watch.events as unknown as { type: string; object: Lease }[];
  assert.deepEqual(told.map(({ type, object }) => [type, object.kind, object.spec?.leaseTransitions]), [
    ["ADDED", "Lease", 3],
    ["MODIFIED", "Lease", 4],
    ["DELETED", "Lease", 4],
  ]);
});

/** A fault, the outcome of an update of a lease under it, and the holder after that. */
const updates: [FaultInput, number | "broken", string][] = [
  [{ name: "failing", status: 503 }, 503, "a"],
  [{ name: "unauthorised" }, 401, "a"],
  [{ name: "forbidden", verbs: ["update"], paths: ["/leases/l"] }, 403, "a"],
  [{ name: "lost-requests" }, "broken", "a"],
  [{ name: "lost-answers", verbs: ["update"] }, "broken", "b"],
  [{ name: "failing", resources: ["pods"] }, 200, "b"],
];
for (const [fault, expected, holder] of updates) {
  const aim = "resources" in fault ? ` of ${fault.resources}` : "";
  Deno.test(`under the fault '${fault.name}'${aim} an update of a lease ends with ${expected}`, async () => {
    const { fixture, lease } = await withLease();
    using _ = fixture;
    fixture.cluster.setFault(fault);
    const status = await fixture.send("PUT", `${LEASES}/l`, heldBy(lease, "b")).then(
      ({ status }) => status,
      () => "broken" as const,
    );
    assert.deepEqual([status, fixture.cluster.getLease("l")?.spec.holderIdentity], [expected, holder]);
  });
}

Deno.test("a stale read shows a lease's past state, and no new lease", async () => {
  const { fixture } = await withLease();
  using _ = fixture;
  await fixture.clock.advance(10_000);
  fixture.cluster.putLease({ metadata: { name: "l" }, spec: { holderIdentity: "b" } });
  fixture.cluster.putLease({ metadata: { name: "new" } });
  fixture.cluster.setFault({ name: "stale-reads", ageMs: 5000 });
  assert.equal((await fixture.ask("GET", `${LEASES}/l`)).body.spec.holderIdentity, "a");
  assert.equal((await fixture.ask("GET", `${LEASES}/new`)).status, 404);
});
