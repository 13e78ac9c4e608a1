import { storedKinds } from "../objects/stored_kinds.ts";

/** A resource as discovery describes it. */
export interface ApiResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  group?: string;
  version?: string;
}

const resource = (
  name: string,
  kind: string,
  namespaced: boolean,
  verbs: string[],
  shortNames: string[] = [],
): ApiResource => ({
  name,
  singularName: name.includes("/") ? "" : name.replace(/s$/, ""),
  namespaced,
  kind,
  verbs,
  ...(shortNames.length > 0 ? { shortNames } : {}),
  ...(name === "pods" ? { categories: ["all"] } : {}),
});

const READ = ["get", "list", "watch"];
const ALL = ["create", "delete", "deletecollection", ...READ, "patch", "update"];

const RBAC = "rbac.authorization.k8s.io";
const COORDINATION = "coordination.k8s.io";
const APIEXTENSIONS = "apiextensions.k8s.io";
const EXTENSIONS = "hostfactory.symphony";

/** All resources, by the path of their group and version. */
export const apiResources: Record<string, ApiResource[]> = {
  "api/v1": [
    resource("namespaces", "Namespace", false, ["create", "delete", ...READ, "patch", "update"], ["ns"]),
    resource("nodes", "Node", false, ["delete", ...READ, "patch", "update"], ["no"]),
    resource("pods", "Pod", true, ALL, ["po"]),
    { ...resource("pods/eviction", "Eviction", true, ["create"]), group: "policy", version: "v1" },
    resource("pods/status", "Pod", true, ["get", "patch", "update"]),
    resource("resourcequotas", "ResourceQuota", true, ["create", "delete", "get", "list"], ["quota"]),
    ...storedResources(""),
  ],
  [`apis/${COORDINATION}/v1`]: [
    resource("leases", "Lease", true, ["create", "delete", ...READ, "patch", "update"]),
  ],
  [`apis/${RBAC}/v1`]: storedResources(RBAC),
  [`apis/${APIEXTENSIONS}/v1`]: storedResources(APIEXTENSIONS),
  [`apis/${EXTENSIONS}/v1`]: storedResources(EXTENSIONS),
};

function storedResources(group: string): ApiResource[] {
  return storedKinds.filter((kind) => kind.group === group)
    .map(({ resource: name, kind, isNamespaced, shortNames }) => resource(name, kind, isNamespaced, ALL, shortNames));
}

const groups = [COORDINATION, RBAC, APIEXTENSIONS, EXTENSIONS].map((name) => {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
});

/** The documents by which clients learn what a server can do, by path. */
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
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups },
  ...Object.fromEntries(
    groups.map((group) => [`/apis/${group.name}`, { kind: "APIGroup", apiVersion: "v1", ...group }]),
  ),
  ...Object.fromEntries(
    Object.entries(apiResources).map(([path, resources]) => {
      const groupVersion = path.replace(/^apis?\//, "");
      return [`/${path}`, { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources }];
    }),
  ),
};

/** The document at a path, if there is one. */
export function discoveryDocument(path: string): unknown {
  return Object.hasOwn(documents, path) ? documents[path] : undefined;
}

/** True for the paths at which a server reports its health. */
export function isHealthPath(path: string): boolean {
  return /^\/(healthz|readyz|livez)(\/|$)/.test(path);
}
