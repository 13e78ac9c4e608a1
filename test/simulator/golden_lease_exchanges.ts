import { type Exchange, get, mergePatch } from "./golden_exchange.ts";

const group = "/apis/coordination.k8s.io/v1";
const leases = `${group}/namespaces/default/leases`;

const full = {
  holderIdentity: "a",
  leaseDurationSeconds: 15,
  acquireTime: "2026-11-21T10:00:00.000000Z",
  renewTime: "2026-11-21T10:00:00.123456Z",
  leaseTransitions: 0,
};

function lease(metadata: Record<string, unknown>, spec: unknown = full) {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
}

function create(name: string, metadata: Record<string, unknown>, spec: unknown = full): Exchange {
  return { name, method: "POST", path: leases, body: lease(metadata, spec) };
}

function update(name: string, metadata: Record<string, unknown>, spec: unknown = full): Exchange {
  return { name, method: "PUT", path: `${leases}/${metadata["name"] ?? "l1"}`, body: lease(metadata, spec) };
}

function remove(name: string, lease: string, body?: unknown): Exchange {
  return { name, method: "DELETE", path: `${leases}/${lease}`, ...(body === undefined ? {} : { body }) };
}

const current = { name: "l1", resourceVersion: "{rv:l1}" };

export const leaseExchanges: Exchange[] = [
  get("the group of leases", "/apis/coordination.k8s.io"),
  // What is wrong with a lease
  create("a lease with duration 0", { name: "x1" }, { ...full, leaseDurationSeconds: 0 }),
  create("a lease with a negative duration", { name: "x1" }, { ...full, leaseDurationSeconds: -1 }),
  create("a lease with negative transitions", { name: "x1" }, { ...full, leaseTransitions: -1 }),
  create("a lease with two invalid fields", { name: "x1" }, { leaseDurationSeconds: -1, leaseTransitions: -1 }),
  create("a lease whose duration is a string", { name: "x1" }, { ...full, leaseDurationSeconds: "15" }),
  create("a lease whose duration is fractional", { name: "x1" }, { ...full, leaseDurationSeconds: 1.5 }),
  create("a lease whose holder is a number", { name: "x1" }, { ...full, holderIdentity: 5 }),
  create("a lease whose time is garbage", { name: "x1" }, { ...full, renewTime: "x" }),
  create("a lease whose time has no fraction", { name: "x1" }, { ...full, renewTime: "2026-11-21T10:00:00Z" }),
  create("a lease whose time has one fractional digit", { name: "x1" }, {
    ...full,
    renewTime: "2026-11-21T10:00:00.5Z",
  }),
  create("a lease whose time has nine fractional digits", { name: "x1" }, {
    ...full,
    acquireTime: "2026-11-21T10:00:00.123456789Z",
  }),
  create("a lease whose time is a number", { name: "x1" }, { ...full, renewTime: 5 }),
  create("a lease with a name that is no DNS subdomain", { name: "Bad_Name" }),
  create("a lease without a name", {}),
  create("a lease with a label value with a blank", { name: "x1", labels: { a: "bad value!" } }),
  create("a lease that names another namespace", { name: "x1", namespace: "other" }),
  create("a resource version on the create of a lease", { name: "x1", resourceVersion: "3" }),
  create("a lease whose name is a number", { name: 5 }),
  { name: "a lease that is not JSON", method: "POST", path: leases, body: "garbage" },
  { name: "a pod instead of a lease", method: "POST", path: leases, body: { apiVersion: "v1", kind: "Pod" } },
  {
    name: "a lease in a namespace that does not exist",
    method: "POST",
    path: `${group}/namespaces/nope/leases`,
    body: lease({ name: "x1" }),
  },
  // The life of a lease
  get("the list before any lease", leases),
  get("a lease that does not exist", `${leases}/l1`),
  create("a lease", { name: "l1", labels: { a: "b" } }),
  create("the same lease again", { name: "l1" }),
  get("the lease", `${leases}/l1`),
  update("an update that changes nothing", { ...current, labels: { a: "b" } }),
  update("an update with the current resource version", current, { ...full, holderIdentity: "b", leaseTransitions: 1 }),
  update("an update with an old resource version", { name: "l1", resourceVersion: "1" }),
  update("an update with a future resource version", { name: "l1", resourceVersion: "99999999" }),
  update("an invalid update with an old resource version", { name: "l1", resourceVersion: "1" }, {
    leaseDurationSeconds: 0,
  }),
  update("an update without a resource version", { name: "l1" }),
  update("an update with a resource version that is not a number", { name: "l1", resourceVersion: "abc" }),
  update("an update with the wrong uid", { ...current, uid: "xyz" }),
  update("an update with the right uid", { ...current, uid: "{uid:l1}" }, { ...full, holderIdentity: "c" }),
  update("an invalid update", current, { ...full, leaseDurationSeconds: 0 }),
  update("an update that names another namespace", { ...current, namespace: "other" }),
  { ...update("an update under another name", { name: "other" }), path: `${leases}/l1` },
  update("an update without a name", { resourceVersion: "{rv:l1}" }),
  mergePatch("a patch of the holder", `${leases}/l1`, { spec: { holderIdentity: null } }),
  mergePatch("a patch that changes nothing", `${leases}/l1`, { spec: { holderIdentity: null } }),
  mergePatch("an invalid patch", `${leases}/l1`, { spec: { leaseDurationSeconds: 0 } }),
  mergePatch("a patch with an old resource version", `${leases}/l1`, { metadata: { resourceVersion: "1" } }),
  mergePatch("a patch of a lease's uid", `${leases}/l1`, { metadata: { uid: "abc" } }),
  mergePatch("a patch of a lease that does not exist", `${leases}/nope`, { spec: { holderIdentity: "x" } }),
  {
    ...mergePatch("a patch of a lease with a wrong content type", `${leases}/l1`, {}),
    contentType: "application/json",
  },
  get("leases by a field", `${leases}?fieldSelector=metadata.name%3Dl1`),
  get("leases by a label", `${leases}?labelSelector=a%3Dc`),
  remove("the wrong uid as a lease's precondition", "l1", { preconditions: { uid: "xyz" } }),
  remove("an old resource version as a lease's precondition", "l1", { preconditions: { resourceVersion: "1" } }),
  remove("the right uid as a lease's precondition", "l1", { preconditions: { uid: "{uid:l1}" } }),
  remove("a second delete of the lease", "l1"),
  // An update recreates a deleted lease unless it names the uid
  update("an update of the deleted lease with its uid", { ...current, uid: "{uid:l1}" }),
  update("an update of the deleted lease with its resource version", current),
  {
    name: "an update in a namespace that does not exist",
    method: "PUT",
    path: `${group}/namespaces/nope/leases/l1`,
    body: lease({ name: "l1" }),
  },
  create("a lease with a generated name", { generateName: "gen-" }),
  create("a lease with an empty spec", { name: "l2" }, {}),
  create("a lease with an unknown field", { name: "l3" }, { colour: "blue", leaseDurationSeconds: null }),
  // Who may not
  { ...create("alice creates a lease", { name: "x1" }), as: "alice" },
  { ...get("alice gets a lease", `${leases}/l1`), as: "alice" },
  { ...get("alice lists leases", leases), as: "alice" },
  { ...get("alice lists leases everywhere", `${group}/leases`), as: "alice" },
  { ...update("alice updates a lease", { name: "l1" }), as: "alice" },
  { ...mergePatch("alice patches a lease", `${leases}/l1`, {}), as: "alice" },
  { ...remove("alice deletes a lease", "l1"), as: "alice" },
  // What cannot be done
  { name: "a create with the name in the path", method: "POST", path: `${leases}/l1`, body: lease({ name: "l1" }) },
  { name: "an update without a name in the path", method: "PUT", path: leases, body: lease({ name: "l1" }) },
  get("the status of a lease", `${leases}/l1/status`),
  get("nonsense among the leases", `${group}/namespaces/default/nonsense`),
  get("pods among the leases", `${group}/namespaces/default/pods`),
  get("leases among the pods", "/api/v1/namespaces/default/leases"),
  get("the leases of a namespace that does not exist", `${group}/namespaces/nope/leases?watch=0`),
  get("the list after all leases", `${leases}?fieldSelector=metadata.name%3Dl2`),
  remove("the delete of a lease", "l2"),
  get(
    "the events of a watch of leases",
    `${leases}?watch=1&resourceVersion={revision}&fieldSelector=metadata.name%3Dl2&timeoutSeconds=1`,
  ),
];
