import { create, type Exchange, get, mergePatch, pods, remove } from "./golden_exchange.ts";

const hold = ["example.com/hold"];
const onNode = { nodeName: "node-gone", terminationGracePeriodSeconds: 40 };

function evict(name: string, pod: string): Exchange {
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod, namespace: "default" } };
  return { name, method: "POST", path: `${pods}/${pod}/eviction`, body };
}

function withoutLabel(name: string, pod: string): Exchange {
  return mergePatch(name, `${pods}/${pod}`, { metadata: { labels: { end: null } } });
}

function withoutFinalizers(name: string, pod: string): Exchange {
  return mergePatch(name, `${pods}/${pod}`, { metadata: { finalizers: null } });
}

/** Every way in which a watch that selects pods by the label `end` sees the last of one, and its events. */
export const endExchanges: Exchange[] = [
  get("the list before any pod comes to its end", `${pods}?labelSelector=end`),
  create("a pod for the watch that stays unscheduled", { name: "w1", labels: { end: "w1" } }),
  remove("a delete of the pod that stays unscheduled", "w1"),
  create("a pod to be deleted with grace", { name: "w2", labels: { end: "w2" } }, onNode),
  remove("its delete with grace", "w2"),
  remove("its delete without grace", "w2", { gracePeriodSeconds: 0 }),
  create("a pod to be deleted without grace", { name: "w3", labels: { end: "w3" } }, onNode),
  remove("its delete without grace at once", "w3", { gracePeriodSeconds: 0 }),
  create("an unscheduled pod to be evicted", { name: "w4", labels: { end: "w4" } }),
  evict("its eviction", "w4"),
  create("a pod to be evicted while it goes", { name: "w5", labels: { end: "w5" } }, onNode),
  remove("the delete before its eviction", "w5"),
  evict("the eviction while it goes", "w5"),
  remove("the end of the evicted pod", "w5", { gracePeriodSeconds: 0 }),
  create("a pod with a finalizer", { name: "w6", labels: { end: "w6" }, finalizers: hold }, onNode),
  remove("a delete without grace while there is a finalizer", "w6", { gracePeriodSeconds: 0 }),
  withoutFinalizers("the end of the finalizer", "w6"),
  get("the pod without its finalizer is gone", `${pods}/w6`),
  create("a pod that will lose its label", { name: "w7", labels: { end: "w7" } }, onNode),
  withoutLabel("the label goes", "w7"),
  create("a pod that will lose its label while it goes", { name: "w8", labels: { end: "w8" } }, onNode),
  remove("the delete before the label goes", "w8"),
  withoutLabel("the label goes while the pod goes", "w8"),
  create("a pod that will lose its label before its finalizer", {
    name: "w9",
    labels: { end: "w9" },
    finalizers: hold,
  }, onNode),
  remove("the delete without grace before the label goes", "w9", { gracePeriodSeconds: 0 }),
  withoutLabel("the label goes before the finalizer", "w9"),
  get("the pod is there without its label", `${pods}/w9`),
  get(
    "what a watch says of all these ends",
    `${pods}?watch=1&resourceVersion={revision}&labelSelector=end&timeoutSeconds=1`,
  ),
];
