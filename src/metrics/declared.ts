/**
 * Every metric that `serve` exports, declared once. The registry is made from this; tests compare `docs/metrics.md` with it.
 * A name ends in its unit; seconds and bytes are whole units. The names without `hostfactory_` are those of the legacy plug-in.
 */
import { HOOKS } from "../extensions/extension.ts";
import { FAILURE_KINDS } from "../machine/failure_kind.ts";
import { CALLS, HOOK_OUTCOMES, OUTCOMES } from "./calls.ts";

/** The values that a label can have. `open`: they come from the site, and only the first `MOST_VALUES` are told apart. */
export type Values = readonly string[] | "open";

/** One metric. */
export interface Declaration {
  type: "counter" | "gauge" | "histogram";
  help: string;
  unit?: "seconds" | "bytes" | "cores" | "MiB";
  labels?: Readonly<Record<string, Values>>;
  /** Upper bounds of a histogram. */
  buckets?: readonly number[];
}

/** How many values of an open label are told apart at most. All others are counted as `other`. */
export const MOST_VALUES = 200;

/** Buckets for waits in seconds: from creates that are answered at once to clusters that have to add nodes first. */
const WAITS = [1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1_800, 3_600];
const SHORT = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The stages that a machine passes on its way up, in order. */
export const STAGES = ["created", "scheduled", "running", "ready"] as const;
export type Stage = typeof STAGES[number];

/** The names of the loops that follow the cluster. */
export const FOLLOWERS = ["pods", "nodes", "extensions"] as const;

/** The loops that have a queue of work before them. */
export const QUEUES = ["request-machines", "request-return-machines", "pods", "expiry", "notify"] as const;

/** The parts of the work directory that are measured. `databases`: the events database and rotated ones. */
export const PARTS = [
  "requests",
  "return-requests",
  "pods",
  "pods-status",
  "nodes",
  "machines",
  "events",
  "databases",
  "backups",
  "other",
] as const;
export type Part = typeof PARTS[number];

/** Why a number of a site's metric event is not shown. */
export const REFUSALS = ["no_time", "name_taken", "too_many"] as const;
export type Refusal = typeof REFUSALS[number];

export const METRICS = {
  machines_requested_total: {
    type: "counter",
    help: "Machines that Symphony has asked for",
    labels: { template_id: "open" },
  },
  machines_returned_total: { type: "counter", help: "Machines that Symphony has given back" },
  process_resident_memory_bytes: { type: "gauge", help: "Memory that the process holds", unit: "bytes" },
  process_start_time_seconds: { type: "gauge", help: "When the process began, since the epoch", unit: "seconds" },
  hostfactory_build_info: {
    type: "gauge",
    help: "1, for the version that runs",
    labels: { version: "open", commit: "open" },
  },
  hostfactory_machines: {
    type: "gauge",
    help: "Machines of requests that are not finished, by their state",
    labels: { template_id: "open", state: "open" },
  },
  hostfactory_requests: {
    type: "gauge",
    help: "Requests and return requests in the work directory",
    labels: { kind: ["request", "return"], status: ["open", "finished"] },
  },
  hostfactory_request_to_stage_seconds: {
    type: "histogram",
    help: "From the request of a machine until its pod has come so far",
    unit: "seconds",
    labels: { stage: STAGES },
    buckets: WAITS,
  },
  hostfactory_machine_failures_total: {
    type: "counter",
    help: "Machines that Symphony lost without giving them back",
    labels: { reason: FAILURE_KINDS },
  },
  hostfactory_api_calls_total: {
    type: "counter",
    help: "Calls to the API server that have ended",
    labels: { call: CALLS, outcome: OUTCOMES },
  },
  hostfactory_api_call_seconds: {
    type: "histogram",
    help: "How long calls to the API server took, watches excepted",
    unit: "seconds",
    labels: { call: CALLS },
    buckets: SHORT,
  },
  hostfactory_watch_age_seconds: {
    type: "gauge",
    help: "How long ago the API server was last heard on this; -1 before it was",
    unit: "seconds",
    labels: { resource: FOLLOWERS },
  },
  hostfactory_watch_lists_total: {
    type: "counter",
    help: "How often everything was listed",
    labels: { resource: FOLLOWERS },
  },
  hostfactory_watch_failures_total: {
    type: "counter",
    help: "Lists and watches that failed",
    labels: { resource: FOLLOWERS },
  },
  hostfactory_view_fresh: { type: "gauge", help: "1 while the view of the pods may be believed, else 0" },
  hostfactory_loop_steps_total: {
    type: "counter",
    help: "Steps of loops that have ended",
    labels: { loop: "open", outcome: ["done", "again", "failed"] },
  },
  hostfactory_loop_step_seconds: {
    type: "histogram",
    help: "How long steps of loops took",
    unit: "seconds",
    labels: { loop: "open" },
    buckets: [0.001, 0.01, 0.1, 1, 10, 60],
  },
  hostfactory_queue_depth: {
    type: "gauge",
    help: "Pieces of work that a loop has before it: calls to the cluster, or machines to be written down",
    labels: { loop: QUEUES },
  },
  hostfactory_queue_retries: {
    type: "gauge",
    help: "Of these, those that did not work and are tried again",
    labels: { loop: QUEUES },
  },
  hostfactory_event_loop_delay_seconds: {
    type: "histogram",
    help: "How late the event loop was, looked at five times a second",
    unit: "seconds",
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  hostfactory_heap_bytes: { type: "gauge", help: "Heap in use", unit: "bytes" },
  hostfactory_owner: { type: "gauge", help: "1 while this process owns instance and work directory, else 0" },
  hostfactory_lease_trouble: { type: "gauge", help: "1 while the lease cannot be renewed, else 0" },
  hostfactory_pods_followed: { type: "gauge", help: "Pods that are followed" },
  hostfactory_quarantined_entries: { type: "gauge", help: "Entries of the work directory that are broken" },
  hostfactory_workdir_bytes: {
    type: "gauge",
    help: "Disk space that the work directory takes, measured every ten minutes; 0 before it was",
    unit: "bytes",
    labels: { part: PARTS },
  },
  hostfactory_spooled_batches: { type: "gauge", help: "Batches of events that wait to be stored" },
  hostfactory_dropped_batches: {
    type: "gauge",
    help: "Batches of events that were dropped, since the start: too many waited, or they were not JSON",
  },
  hostfactory_metric_events_refused_total: {
    type: "counter",
    help: "Numbers of metric events of the site that are not shown",
    labels: { reason: REFUSALS },
  },
  hostfactory_held_deletions: { type: "gauge", help: "Deletions that are held for a second look" },
  hostfactory_extension_calls_total: {
    type: "counter",
    help: "Calls of hooks of extensions that have ended",
    labels: { extension: "open", hook: HOOKS, outcome: HOOK_OUTCOMES },
  },
  hostfactory_extension_call_seconds: {
    type: "histogram",
    help: "How long calls of hooks took",
    unit: "seconds",
    labels: { hook: HOOKS },
    buckets: SHORT,
  },
  hostfactory_extensions_left_alone: { type: "gauge", help: "Extensions that do not answer, and are left alone" },
  hostfactory_extensions_untold_machines: { type: "gauge", help: "Machines of which extensions are still to be told" },
  hostfactory_extensions_dropped_machines: {
    type: "gauge",
    help: "Machines of which extensions could not be told, since the start",
  },
  hostfactory_series_left_out: {
    type: "gauge",
    help: "Pods and nodes without series of their own, as there are more than --prometheus-pods",
    labels: { of: ["pods", "nodes"] },
  },
} as const satisfies Record<string, Declaration>;

const POD_LABELS = {
  pod_name: "open",
  pod_type: "open",
  node_name: "open",
  namespace: "open",
  pod_ip: "open",
  node_ip: "open",
  phase: "open",
  image: "open",
  start_time: "open",
  end_time: "open",
} as const;

const NODE_LABELS = {
  node_name: "open",
  node_ip: "open",
  zone_id: "open",
  instance_type: "open",
  capacity_type: "open",
  start_time: "open",
  end_time: "open",
} as const;

/** The legacy plug-in's metrics of single pods and nodes. `--prometheus-pods` says how many pods, and nodes, have them. */
export const OBJECT_METRICS = {
  pod_cpu: { type: "gauge", help: "CPUs that a pod requests", unit: "cores", labels: POD_LABELS },
  pod_memory: { type: "gauge", help: "Memory that a pod requests", unit: "MiB", labels: POD_LABELS },
  pod_restarts: { type: "gauge", help: "Restarts of a pod's containers, if there were any", labels: POD_LABELS },
  pod_condition: {
    type: "gauge",
    help: "1 for each condition of a pod that is True",
    labels: { ...POD_LABELS, type: "open" },
  },
  node_cpu: { type: "gauge", help: "CPUs of a node", unit: "cores", labels: NODE_LABELS },
  node_memory: { type: "gauge", help: "Memory of a node", unit: "MiB", labels: NODE_LABELS },
  node_condition: {
    type: "gauge",
    help: "1 for each condition of a node that is True",
    labels: { ...NODE_LABELS, type: "open" },
  },
} as const satisfies Record<string, Declaration>;

export type MetricName = keyof typeof METRICS;
export type ObjectMetricName = keyof typeof OBJECT_METRICS;
