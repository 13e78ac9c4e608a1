import { create, type Exchange, get, mergePatch, pod, pods, remove } from "./golden_exchange.ts";

const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const namespaces = "/api/v1/namespaces";

function post(name: string, path: string, body: unknown): Exchange {
  return { name, method: "POST", path, body };
}

function eviction(options: unknown) {
  return {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: "d1", namespace: "default" },
    deleteOptions: options,
  };
}

/** Requests that are only tried: answered as if they had been done, and nothing comes of them. */
export const dryRunExchanges: Exchange[] = [
  post("a dry run of a create", `${pods}?dryRun=All`, pod({ name: "d1", labels: { dry: "run" } })),
  get("nothing was created by the dry run", `${pods}/d1`),
  post("a dry run of a create that is refused", `${pods}?dryRun=All`, pod({ name: "D_1" })),
  create("a pod for dry runs", { name: "d1", labels: { dry: "run" } }, { nodeName: "node-gone" }),
  post("a dry run of a create of what is there", `${pods}?dryRun=All`, pod({ name: "d1" })),
  mergePatch("a dry run of a patch", `${pods}/d1?dryRun=All`, { metadata: { labels: { more: "yes" } } }),
  {
    name: "a dry run of an update",
    method: "PUT",
    path: `${pods}/d1/status?dryRun=All`,
    body: pod({ name: "d1" }),
  },
  remove("a dry run of a delete", "d1?dryRun=All"),
  remove("a dry run of a delete, said in the body", "d1", { dryRun: ["All"] }),
  remove("a dry run of a delete without grace", "d1?dryRun=All&gracePeriodSeconds=0"),
  { name: "a dry run of a delete of all", method: "DELETE", path: `${pods}?dryRun=All&labelSelector=dry` },
  post("a dry run of an eviction", `${pods}/d1/eviction?dryRun=All`, eviction({})),
  post("a dry run of an eviction, said in the body", `${pods}/d1/eviction`, eviction({ dryRun: ["All"] })),
  get("the pod after the dry runs", `${pods}/d1`),
  post("a create with a dry run that there is not", `${pods}?dryRun=Some`, pod({ name: "d2" })),
  mergePatch("a patch with a dry run that there is not", `${pods}/d1?dryRun=Some`, {}),
  { name: "an update with a dry run that there is not", method: "PUT", path: `${pods}/d1?dryRun=Some`, body: pod({}) },
  remove("a delete with a dry run that there is not", "d1?dryRun=Some"),
  remove("a delete with a dry run in the body that there is not", "d1", { dryRun: ["Some"] }),
  remove("a delete whose body says nothing of the dry run", "d1?dryRun=All", { gracePeriodSeconds: 0 }),
  get("the pod is gone: a body is all that counts", `${pods}/d1`),
  post("a dry run of the create of a lease", `${leases}?dryRun=All`, { metadata: { name: "dry" } }),
  get("no lease was created by the dry run", `${leases}/dry`),
  post("a dry run of the create of a namespace", `${namespaces}?dryRun=All`, { metadata: { name: "dry" } }),
  get("no namespace was created by the dry run", `${namespaces}/dry`),
  { name: "a dry run of the delete of a namespace", method: "DELETE", path: `${namespaces}/going?dryRun=All` },
  get("the namespace after the dry run", `${namespaces}/going`),
];
