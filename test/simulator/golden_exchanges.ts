import { dryRunExchanges } from "./golden_dry_run_exchanges.ts";
import { endExchanges } from "./golden_end_exchanges.ts";
import { container, create, type Exchange, get, pod, pods, remove } from "./golden_exchange.ts";
import { leaseExchanges } from "./golden_lease_exchanges.ts";
import { mediaExchanges } from "./golden_media_exchanges.ts";
import { namespaceExchanges } from "./golden_namespace_exchanges.ts";
import { patchExchanges } from "./golden_patch_exchanges.ts";
import { podSpecExchanges } from "./golden_pod_spec_exchanges.ts";
import { storedExchanges } from "./golden_stored_exchanges.ts";

/**
 * What we ask both the real API server and the simulator, in this order, to compare their words. Pods name a scheduler that
 * does not exist, so that nothing happens to them behind our back.
 */
export const exchanges: Exchange[] = [
  // What is wrong with a pod
  create("a name that is no DNS subdomain", { name: "Bad_Name" }),
  create("no name at all", {}),
  create("a label value with a blank", { name: "x1", labels: { a: "bad value!" } }),
  create("a label value that is too long", { name: "x1", labels: { a: "v".repeat(64) } }),
  create("a label key with a blank", { name: "x1", labels: { "a b": "v" } }),
  create("no containers", { name: "x1" }, { containers: [] }),
  create("a container without a name", { name: "x1" }, { containers: [{ image: "b" }] }),
  create("a container without an image", { name: "x1" }, { containers: [{ name: "c" }] }),
  create("container names wrong and repeated", { name: "x1" }, {
    containers: [{ name: "C_C", image: "b" }, { name: "c", image: "b" }, { name: "c", image: "b" }],
  }),
  create("a restart policy that does not exist", { name: "x1" }, { restartPolicy: "Bogus" }),
  create("a name that is too long", { name: "n".repeat(254) }),
  create("another namespace in the object", { name: "x1", namespace: "other" }),
  create("a resource version on a create", { name: "x1", resourceVersion: "3" }),
  create("a name that is a number", { name: 5 }),
  { name: "a body that is no JSON", method: "POST", path: pods, body: "garbage" },
  { name: "a body of another kind", method: "POST", path: pods, body: { apiVersion: "v1", kind: "Service" } },
  {
    name: "a namespace that does not exist",
    method: "POST",
    path: "/api/v1/namespaces/nope/pods",
    body: pod({ name: "x1" }),
  },
  // What is not there
  get("a namespace that is not there", "/api/v1/namespaces/nope"),
  get("the pods of a namespace that is not there", "/api/v1/namespaces/nope/pods"),
  get("a pod that is not there", `${pods}/nope`),
  remove("deleting a pod that is not there", "nope"),
  get("a resource that is not there", "/api/v1/namespaces/default/nonsense"),
  get("a path that is not there", "/nonsense"),
  get("a node that is not there", "/api/v1/nodes/nope"),
  // The life of a pod that no one schedules
  create("a pod", { name: "k1", labels: { app: "k1" } }),
  create("the same pod again", { name: "k1" }),
  get("the pod", `${pods}/k1`),
  remove("the wrong uid as precondition", "k1", { preconditions: { uid: "xyz" } }),
  remove("the wrong resource version as precondition", "k1", { preconditions: { resourceVersion: "1" } }),
  {
    name: "an update with a stale resource version",
    method: "PUT",
    path: `${pods}/k1`,
    body: pod({ name: "k1", resourceVersion: "1" }),
  },
  {
    name: "an update under another name",
    method: "PUT",
    path: `${pods}/k1`,
    body: pod({ name: "other" }),
  },
  {
    name: "a merge patch of labels",
    method: "PATCH",
    path: `${pods}/k1`,
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { app: null, colour: "blue" }, annotations: { note: "n" } } },
  },
  {
    name: "a strategic patch of annotations",
    method: "PATCH",
    path: `${pods}/k1`,
    contentType: "application/strategic-merge-patch+json",
    body: { metadata: { annotations: { note: "m" } } },
  },
  {
    name: "a patch of a type that does not exist",
    method: "PATCH",
    path: `${pods}/k1`,
    contentType: "application/json",
    body: {},
  },
  {
    name: "a patch of what is immutable",
    method: "PATCH",
    path: `${pods}/k1`,
    contentType: "application/merge-patch+json",
    body: { metadata: { uid: "abc" } },
  },
  {
    name: "a patch with a wrong label",
    method: "PATCH",
    path: `${pods}/k1`,
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { "bad key!": "v" } } },
  },
  {
    name: "a patch of the status",
    method: "PATCH",
    path: `${pods}/k1/status`,
    contentType: "application/merge-patch+json",
    body: { status: { message: "hello" } },
  },
  {
    name: "a patch of a pod that is not there",
    method: "PATCH",
    path: `${pods}/nope`,
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { a: "b" } } },
  },
  remove("the right uid as precondition", "k1", { preconditions: { uid: "{uid:k1}" } }),
  get("the pod that no one scheduled is gone at once", `${pods}/k1`),
  // A pod on a node that does not answer: it stays until its grace is over
  create("a pod on a node", { name: "n1" }, { nodeName: "node-gone", terminationGracePeriodSeconds: 40 }),
  remove("a delete with the pod's own grace", "n1"),
  remove("a second delete that would lengthen the grace", "n1", { gracePeriodSeconds: 90 }),
  remove("a second delete that shortens the grace", "n1", { gracePeriodSeconds: 20 }),
  remove("a negative grace", "n1", { gracePeriodSeconds: -1 }),
  remove("no grace", "n1", { gracePeriodSeconds: 0 }),
  get("the pod without grace is gone at once", `${pods}/n1`),
  create("a pod to be evicted", { name: "e1" }, { nodeName: "node-gone", terminationGracePeriodSeconds: 40 }),
  {
    name: "an eviction",
    method: "POST",
    path: `${pods}/e1/eviction`,
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "e1", namespace: "default" } },
  },
  get("the evicted pod", `${pods}/e1`),
  remove("no grace for the evicted pod", "e1", { gracePeriodSeconds: 0 }),
  {
    name: "an eviction of a pod that is not there",
    method: "POST",
    path: `${pods}/nope/eviction`,
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "nope", namespace: "default" } },
  },
  create("a pod with requests and limits alike", { name: "q1" }, {
    containers: [{ ...container, resources: { limits: { cpu: "1", memory: "1Gi" } } }],
  }),
  create("a pod with requests below limits", { name: "q2" }, {
    containers: [{ ...container, resources: { requests: { cpu: "500m" } } }],
  }),
  create("a pod with a tagged image and policies", { name: "q3" }, {
    restartPolicy: "Never",
    containers: [{ ...container, image: "registry.example/b:1.2" }],
    initContainers: [{ name: "i", image: "b" }],
  }),
  create("a generated name", { generateName: "gen-" }),
  // Lists
  { name: "the list", method: "GET", path: `${pods}?fieldSelector=metadata.name%3Dq1` },
  get("a page", `${pods}?limit=2&fieldSelector=spec.schedulerName%3Dnone,status.phase%3DPending`),
  get("the page after", `${pods}?limit=3&continue={continue}&fieldSelector=spec.schedulerName%3Dnone`),
  get("a label selector without an identifier", `${pods}?labelSelector=a%3D%3D%3D`),
  get("a set selector without parentheses", `${pods}?labelSelector=a%20in%20b`),
  get("a label selector with a wrong key", `${pods}?labelSelector=a!b%3Dc`),
  get("a field that cannot be selected", `${pods}?fieldSelector=foo%3Dbar`),
  get("a field selector without operator", `${pods}?fieldSelector=foo`),
  get("a limit that is no number", `${pods}?limit=x`),
  get("a continue token that is garbage", `${pods}?continue=garbage`),
  get(
    "a continue token that is too old",
    `${pods}?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJxMVx1MDAwMCJ9`,
  ),
  get("a list at a resource version that is no number", `${pods}?resourceVersion=abc`),
  get("a list at a resource version to come", `${pods}?resourceVersion=99999999&resourceVersionMatch=NotOlderThan`),
  get("a watch from a resource version that is no number", `${pods}?watch=1&resourceVersion=abc`),
  get("a watch from a resource version to come", `${pods}?watch=1&resourceVersion=99999999&timeoutSeconds=1`),
  // Who may not
  { ...create("alice creates", { name: "x1" }), as: "alice" },
  { ...get("alice gets", `${pods}/q1`), as: "alice" },
  { ...get("alice lists", pods), as: "alice" },
  { ...get("alice watches", `${pods}?watch=1`), as: "alice" },
  { ...get("alice lists all namespaces", "/api/v1/pods"), as: "alice" },
  { ...remove("alice deletes", "q1"), as: "alice" },
  { ...get("alice lists nodes", "/api/v1/nodes"), as: "alice" },
  { ...get("nobody lists", pods), as: "nobody" },
  // What cannot be done
  { name: "a method that does not fit", method: "PUT", path: pods, body: pod({ name: "x" }) },
  { name: "a quota", method: "POST", path: "/api/v1/namespaces/tight/pods", body: pod({ name: "x1" }) },
  { name: "pod security", method: "POST", path: "/api/v1/namespaces/strict/pods", body: pod({ name: "x1" }) },
  ...endExchanges,
  ...leaseExchanges,
  ...dryRunExchanges,
  ...podSpecExchanges,
  ...patchExchanges,
  ...storedExchanges,
  ...mediaExchanges,
  ...namespaceExchanges,
];

/** The answer to an exchange, without what differs from run to run. */
export interface Answer {
  name: string;
  status: number;
  /** What the server warns of, where it does. */
  warning?: string;
  body: unknown;
}

const volatile = new Set(["managedFields", "uid", "creationTimestamp", "deletionTimestamp", "resourceVersion", "time"]);

/** `value` without what differs from run to run, and without the service account's volume, which the simulator leaves out. */
export function normalize(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "UID").replace(/gen-[a-z0-9]{5}/g, "gen-SUFFIX")
      .replace(/current: \d+/g, "current: N").replace(/record \(\d+\)/g, "record (N)")
      .replace(/^\d{4}-\d\d-\d\dT.*Z$/, "TIME")
      // The real one shows the object that a patch has made, and how two Go structs differ.
      .replace(/(patch: )?Invalid value: "\{.*\}": /s, "$1Invalid value: OBJECT: ").replace(/\n@@ .*$/s, "")
      // It speaks more than we do.
      .replace(/((?:representations|types include): ).*/, "$1TYPES");
  }
  if (Array.isArray(value)) {
    // The real one finds some problems several times.
    if (value.every((item) => typeof item === "object" && item !== null && "field" in item)) {
      value = [...new Map((value as unknown[]).map((item) => [JSON.stringify(item), item])).values()];
    }
    return (value as unknown[]).filter((item) =>
      !String((item as { name?: string })?.name).startsWith("kube-api-access")
    )
      .map(normalize);
  }
  if (typeof value !== "object" || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key === "continue") kept[key] = "TOKEN";
    else if (volatile.has(key)) {
      kept[key] = inner === undefined ? undefined : typeof inner === "string" ? "SET" : "LIST";
    } else kept[key] = normalize(inner);
    if (key === "managedFields") delete kept[key];
    if (Array.isArray(kept[key]) && kept[key].length === 0 && /^volume/.test(key)) delete kept[key];
  }
  return kept;
}

/** Plays the exchanges over `send` and gives back what came, normalized. */
export async function play(send: (exchange: Exchange) => Promise<Response>): Promise<Answer[]> {
  const answers: Answer[] = [];
  const known = new Map<string, { uid: string; resourceVersion: string }>();
  let token = "";
  let revision = "";
  for (const exchange of exchanges) {
    const fill = (text: string) =>
      text.replace(/\{uid:(\w+)\}/g, (_, name) => known.get(name)?.uid ?? "")
        .replace(/\{rv:(\w+)\}/g, (_, name) => known.get(name)?.resourceVersion ?? "")
        .replace("{continue}", encodeURIComponent(token))
        .replace("{revision}", revision);
    const body = exchange.body === undefined ? undefined : JSON.parse(fill(JSON.stringify(exchange.body)));
    const response = await send({ ...exchange, path: fill(exchange.path), ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    const json = read(text);
    const { metadata } = json as { metadata?: Record<"name" | "uid" | "resourceVersion" | "continue", string> };
    if (metadata?.uid && metadata.name) known.set(metadata.name, metadata);
    else if (metadata?.resourceVersion) revision = metadata.resourceVersion;
    if (metadata?.continue) token = metadata.continue;
    const warning = response.headers.get("warning");
    answers.push({
      name: exchange.name,
      status: response.status,
      ...(warning === null ? {} : { warning }),
      body: normalize(json),
    });
  }
  return answers;
}

/** An answer's body: JSON, the events of a watch, or mere text. */
function read(text: string): unknown {
  try {
    if (text.startsWith('{"type":')) return text.trimEnd().split("\n").map((line) => eventOf(JSON.parse(line)));
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** As much of an event as tells what became of its object. */
// deno-lint-ignore no-explicit-any
function eventOf({ type, object: { metadata, spec, status } }: any): unknown {
  const conditions = status?.conditions?.map((condition: { type: string; reason?: string }) =>
    `${condition.type} ${condition.reason}`
  );
  return {
    type,
    metadata,
    ...(status?.phase ? { phase: status.phase } : {}),
    ...(conditions ? { conditions } : {}),
    ...(spec?.holderIdentity ? { holder: spec.holderIdentity } : {}),
  };
}
