import type { RequestStatus } from "../hf/status.ts";

/** One kind of row of the events database: the key of a pair, and what its value means. */
export interface EventType {
  /**
   * What the event is about; its `id` is the request's or return request's id, the machine's name, `<name>::<uid>` of a node, or
   * what of the cluster is followed: `pods`.
   */
  category: "request" | "return" | "pod" | "node" | "cluster" | "template" | "request-status" | "return-request";
  /** The key of the pair, which is the row's `type`. */
  type: string;
  /** The one value that this row is about; absent: the value varies, see `unit`. */
  value?: string;
  /** What the value is if it is not one fixed word. */
  unit: string;
  /** Who records it: a verb, or a watcher. */
  by: string;
  /** What has happened; in parentheses, whose clock the event's time is by, unless it is the host's. */
  when: string;
}

const KUBE_EVENTS = "watcher of Kubernetes events";

/**
 * Every event that this program records, with the legacy plug-in's names where it has them (source: its documentation of
 * events). `docs/events.md` shows the same list; the types below hold the code to it.
 */
export const EVENT_TYPES = [
  row("request", "count", "machines", "request-machines", "the request was accepted"),
  row("request", "template_id", "id of a template", "request-machines", "the same"),
  answered("request", "running"),
  answered("request", "complete"),
  answered("request", "complete_with_error"),
  status("requested", "request-machines", "the machine was asked for"),
  row("pod", "request_id", "id of a request", "request-machines", "the same"),
  row("pod", "template_id", "id of a template", "request-machines", "the same"),
  row("return", "count", "machines", "request-return-machines", "the return request was accepted"),
  answered("return", "running"),
  answered("return", "complete"),
  answered("return", "complete_with_error"),
  status("returned", "request-return-machines", "Symphony gave the machine back"),
  row("pod", "return_id", "id of a return request", "request-return-machines", "the same"),
  status("created", "watcher of pods", "its pod was created (cluster)"),
  status("pending", "watcher of pods", "its pod was created, and waits (cluster)"),
  status("scheduled", "watcher of pods", "its pod was given a node (cluster)"),
  row("pod", "node_name", "name of a node", "watcher of pods", "the same (cluster)"),
  row("pod", "node_id", "uid of a node", "watcher of pods", "the same, if the node is known"),
  row("pod", "cpu_requested", "cores", "watcher of pods", "its pod was created: requests of all containers (cluster)"),
  row("pod", "cpu_limit", "cores", "watcher of pods", "the same: limits (cluster)"),
  row("pod", "memory_requested", "MiB", "watcher of pods", "the same: requests (cluster)"),
  row("pod", "memory_limit", "MiB", "watcher of pods", "the same: limits (cluster)"),
  row("pod", "container_statuses", "JSON, by container", "watcher of pods", "a container changed its state"),
  status("running", "watcher of pods", "its pod was first seen Running (cluster: when its last container started)"),
  status("ready", "watcher of pods", "its pod became Ready (cluster)"),
  status("disrupted", "watcher of pods", "the cluster is about to take its pod away (cluster)"),
  row("pod", "disrupted_reason", "a word of Kubernetes", "watcher of pods", "the same (cluster)"),
  row("pod", "disrupted_message", "a sentence of Kubernetes", "watcher of pods", "the same (cluster)"),
  status("succeeded", "watcher of pods", "its pod ended by itself, with success"),
  status("unknown", "watcher of pods", "its pod's phase is Unknown: its node may be lost"),
  status("timeout", "watcher of timeouts", "it was given up, because its pod did not come up in time"),
  status("failed", "all watchers", "Symphony lost it without having given it back"),
  row("pod", "failed_reason", "a sentence", "all watchers", "the same: why"),
  status("deleted", "all watchers", "its pod was seen gone, or will never be created"),
  nodeStatus("created", "the node was created (cluster)"),
  nodeStatus("ready", "the node became Ready (cluster)"),
  nodeStatus("deleted", "the node was seen gone"),
  row("node", "conditions", "JSON, by type", "watcher of nodes", "a condition changed (cluster)"),
  row("node", "cpu_capacity", "cores", "watcher of nodes", "the node was created (cluster), or changed in these"),
  row("node", "cpu_allocatable", "cores", "watcher of nodes", "the same"),
  row("node", "cpu_reserved", "cores", "watcher of nodes", "the same: the difference"),
  row("node", "memory_capacity", "MiB", "watcher of nodes", "the same"),
  row("node", "memory_allocatable", "MiB", "watcher of nodes", "the same"),
  row("node", "memory_reserved", "MiB", "watcher of nodes", "the same: the difference"),
  row("node", "zone", "label topology.kubernetes.io/zone", "watcher of nodes", "the same"),
  row("node", "region", "label topology.kubernetes.io/region", "watcher of nodes", "the same"),
  row("node", "node_size", "label node.kubernetes.io/instance-type", "watcher of nodes", "the same"),
  row("node", "capacity_type", "label karpenter.sh/capacity-type", "watcher of nodes", "the same"),
  ...kubeEvents("pod", "a part of the cluster said something of its pod (cluster)"),
  ...kubeEvents("node", "a part of the cluster said something of the node (cluster)"),
  row(
    "node",
    "eviction_uderutilized",
    "seconds since the epoch",
    KUBE_EVENTS,
    "Karpenter takes it away: too little used",
  ),
  row("node", "eviction_empty", "seconds since the epoch", KUBE_EVENTS, "Karpenter takes it away: empty"),
  ...inputAndOutput("template", "get-available-templates"),
  ...inputAndOutput("request", "request-machines"),
  ...inputAndOutput("request-status", "get-request-status"),
  ...inputAndOutput("return", "request-return-machines"),
  ...inputAndOutput("return-request", "get-return-requests"),
  clusterStatus("away", "watcher of pods", "it could not be followed, for more than five seconds: since when"),
  row("cluster", "away_reason", "a sentence", "watcher of pods", "the same: why"),
  clusterStatus("back", "watcher of pods", "it is followed again"),
] as const satisfies readonly EventType[];

type Listed = typeof EVENT_TYPES[number];

export type EventCategory = Listed["category"];

/** The pairs that an event of a category may have. The pairs of one event are one fact, with one time. */
export type EventPairs<Category extends EventCategory = EventCategory> = {
  [Type in Extract<Listed, { category: Category }>["type"]]?: Extract<
    Listed,
    { category: Category; type: Type; value: string }
  > extends never ? string | number | Readonly<Record<string, unknown>>
    : Extract<Listed, { category: Category; type: Type; value: string }>["value"];
};

/** An event that is to be recorded. */
export interface NewEvent<Category extends EventCategory = EventCategory> {
  category: Category;
  /** See `EventType.category`. */
  id: string;
  pairs: EventPairs<Category>;
  /** When it happened, in seconds since the epoch; absent: now. */
  at?: number | undefined;
}

/** Takes events that are to be recorded. */
export interface EventSink {
  /** Neither throws nor waits. */
  record(events: readonly NewEvent[]): void;
}

function row<Category extends EventType["category"], Type extends string>(
  category: Category,
  type: Type,
  unit: string,
  by: string,
  when: string,
): { category: Category; type: Type; unit: string; by: string; when: string } {
  return { category, type, unit, by, when };
}

function status<Value extends string>(
  value: Value,
  by: string,
  when: string,
): { category: "pod"; type: "status"; value: Value; unit: string; by: string; when: string } {
  return { category: "pod", type: "status", value, unit: "word", by, when };
}

function clusterStatus<Value extends string>(
  value: Value,
  by: string,
  when: string,
): { category: "cluster"; type: "status"; value: Value; unit: string; by: string; when: string } {
  return { category: "cluster", type: "status", value, unit: "word", by, when };
}

function nodeStatus<Value extends string>(
  value: Value,
  when: string,
): { category: "node"; type: "status"; value: Value; unit: string; by: string; when: string } {
  return { category: "node", type: "status", value, unit: "word", by: "watcher of nodes", when };
}

/** The rows of the statuses that `get-request-status` answers for a request or return request. */
function answered<Category extends "request" | "return", Value extends RequestStatus>(
  category: Category,
  value: Value,
) {
  const when = "it was answered so, and was not before";
  return { category, type: "status", value, unit: "word", by: "get-request-status", when } as const;
}

/** The rows of Kubernetes events. The first holds the whole event, as in the legacy plug-in; `--skip-events` leaves it out. */
function kubeEvents<Category extends "pod" | "node">(category: Category, when: string) {
  return [
    row(category, "events", "JSON of all of this", KUBE_EVENTS, when),
    row(category, "event_reason", "a word of Kubernetes", KUBE_EVENTS, "the same (cluster)"),
    row(category, "event_message", "a sentence of Kubernetes", KUBE_EVENTS, "the same (cluster)"),
    row(category, "event_source", "name of a component", KUBE_EVENTS, "the same (cluster)"),
  ] as const;
}

/** The rows of a verb's question and answer. The id is that of the request that it answered, else one of its own. */
function inputAndOutput<Category extends EventType["category"]>(category: Category, by: string) {
  const when = "it answered, if HF_K8S_RECORD_IO is on";
  return [row(category, "input", "JSON", by, when), row(category, "output", "JSON", by, when)] as const;
}
