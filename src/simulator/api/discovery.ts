/** What clients ask to learn what a server can do; enough for kubectl. */
const resource = (name: string, kind: string, namespaced: boolean, verbs: string[], shortNames: string[] = []) => ({
  name,
  singularName: name.includes("/") ? "" : name.replace(/s$/, ""),
  namespaced,
  kind,
  verbs,
  ...(shortNames.length > 0 ? { shortNames } : {}),
  ...(name === "pods" ? { categories: ["all"] } : {}),
});

const READ = ["get", "list", "watch"];

const coordinationVersion = { groupVersion: "coordination.k8s.io/v1", version: "v1" };
const coordination = {
  name: "coordination.k8s.io",
  versions: [coordinationVersion],
  preferredVersion: coordinationVersion,
};

const documents: Record<string, unknown> = {
  "/version": {
    major: "1",
    minor: "36",
    gitVersion: "v1.36.3",
    gitCommit: "simulated",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "linux/amd64",
  },
  "/api": { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [coordination] },
  "/apis/coordination.k8s.io": { kind: "APIGroup", apiVersion: "v1", ...coordination },
  "/apis/coordination.k8s.io/v1": {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: coordinationVersion.groupVersion,
    resources: [resource("leases", "Lease", true, ["create", "delete", ...READ, "patch", "update"])],
  },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [
      resource("namespaces", "Namespace", false, ["create", "delete", "get", "list", "watch"], ["ns"]),
      resource("nodes", "Node", false, ["delete", ...READ, "patch", "update"], ["no"]),
      resource("pods", "Pod", true, ["create", "delete", "deletecollection", ...READ, "patch", "update"], ["po"]),
      { ...resource("pods/eviction", "Eviction", true, ["create"]), group: "policy", version: "v1" },
      resource("resourcequotas", "ResourceQuota", true, ["create", "delete", "get", "list"], ["quota"]),
      resource("serviceaccounts", "ServiceAccount", true, ["get"], ["sa"]),
      resource("pods/status", "Pod", true, ["get", "patch", "update"]),
    ],
  },
};

/** The document at a path, if there is one. */
export function discoveryDocument(path: string): unknown {
  return Object.hasOwn(documents, path) ? documents[path] : undefined;
}

/** Where a server says that it is well. */
export function isHealthPath(path: string): boolean {
  return /^\/(healthz|readyz|livez)(\/|$)/.test(path);
}
