import { type Exchange, get, mergePatch } from "./golden_exchange.ts";

const core = "/api/v1/namespaces/default";
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const roles = `${rbac}/namespaces/default/roles`;
const bindings = `${rbac}/namespaces/default/rolebindings`;
const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "s1" };
const subjects = [{ kind: "ServiceAccount", name: "s1", namespace: "default" }];

function post(name: string, path: string, body: unknown): Exchange {
  return { name, method: "POST", path, body };
}

function put(name: string, path: string, body: unknown): Exchange {
  return { name, method: "PUT", path, body };
}

function remove(name: string, path: string, body?: unknown): Exchange {
  return { name, method: "DELETE", path, ...(body === undefined ? {} : { body }) };
}

/** What the simulator only stores. */
export const storedExchanges: Exchange[] = [
  post("a config map", `${core}/configmaps`, { metadata: { name: "s1", labels: { s: "1" } }, data: { a: "b" } }),
  post("the same config map again", `${core}/configmaps`, { metadata: { name: "s1" } }),
  post("a config map without a name", `${core}/configmaps`, { metadata: {} }),
  post("a config map with a wrong name", `${core}/configmaps`, { metadata: { name: "S_1" } }),
  post("a config map with a number", `${core}/configmaps`, { metadata: { name: "s2" }, data: { a: 1 } }),
  post("a config map of another kind", `${core}/configmaps`, {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name: "s2" },
  }),
  post("a config map in a namespace that is not there", "/api/v1/namespaces/nope/configmaps", {
    metadata: { name: "s1" },
  }),
  get("the config map", `${core}/configmaps/s1`),
  get("a config map that is not there", `${core}/configmaps/nope`),
  get("a list of config maps", `${core}/configmaps?labelSelector=s`),
  put("an update of the config map", `${core}/configmaps/s1`, { metadata: { name: "s1" }, data: { a: "c" } }),
  put("an update of the config map with a stale resource version", `${core}/configmaps/s1`, {
    metadata: { name: "s1", resourceVersion: "1" },
  }),
  put("an update that creates a config map", `${core}/configmaps/s3`, { metadata: { name: "s3" } }),
  put("an update of the config map under another name", `${core}/configmaps/s1`, { metadata: { name: "s2" } }),
  mergePatch("a patch of the config map", `${core}/configmaps/s1`, { data: { b: "d", a: null } }),
  mergePatch("a patch of a config map that is not there", `${core}/configmaps/nope`, { data: {} }),
  remove("a delete of the config map with the wrong uid", `${core}/configmaps/s1`, { preconditions: { uid: "x" } }),
  remove("a delete of the config map", `${core}/configmaps/s1`),
  remove("a delete of a config map that is not there", `${core}/configmaps/s1`),
  remove("a delete of a config map that an update created", `${core}/configmaps/s3`),
  { ...get("alice lists config maps", `${core}/configmaps`), as: "alice" },
  post("a service account", `${core}/serviceaccounts`, { metadata: { name: "s1" } }),
  get("the service account", `${core}/serviceaccounts/s1`),
  remove("a delete of the service account", `${core}/serviceaccounts/s1`),
  get("a service account that is not there", `${core}/serviceaccounts/nope`),
  post("a role", roles, { metadata: { name: "s1" }, rules }),
  post("a role without rules", roles, { metadata: { name: "s2" } }),
  post("a role with a rule without verbs", roles, { metadata: { name: "s4" }, rules: [{ resources: ["pods"] }] }),
  get("a role that is not there", `${roles}/nope`),
  get("the roles", `${roles}?fieldSelector=metadata.name=s1`),
  post("a role binding", bindings, { metadata: { name: "s1" }, roleRef, subjects }),
  post("a role binding without a role", bindings, { metadata: { name: "s2" } }),
  put("a role binding with another role", `${bindings}/s1`, {
    metadata: { name: "s1" },
    roleRef: { ...roleRef, name: "x" },
  }),
  remove("a delete of the role binding", `${bindings}/s1`),
  remove("a delete of the role", `${roles}/s1`),
  remove("a delete of the role without rules", `${roles}/s2`),
  post("a cluster role", `${rbac}/clusterroles`, { metadata: { name: "s1-test" }, rules }),
  get("the cluster role", `${rbac}/clusterroles/s1-test`),
  remove("a delete of the cluster role", `${rbac}/clusterroles/s1-test`),
  post("an event", `${core}/events`, {
    metadata: { name: "s1" },
    involvedObject: { kind: "Pod", namespace: "default", name: "q1" },
    reason: "Tested",
    message: "an event",
    type: "Normal",
  }),
  get("the events of an object", `${core}/events?fieldSelector=involvedObject.name=q1,involvedObject.kind=Pod`),
  remove("a delete of the event", `${core}/events/s1`),
];
