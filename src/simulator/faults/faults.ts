import * as v from "valibot";
import { HostFactoryError } from "../../errors.ts";
import { problemOf } from "../behaviour/stages.ts";

const Whole = v.pipe(
  v.number("must be a number"),
  v.integer("must be a whole number"),
  v.minValue(0, "must be 0 or more"),
);
const Milliseconds = v.pipe(v.number("must be a number"), v.minValue(0, "must be 0 or more"));
const Text = v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty"));
const Verb = v.picklist(
  ["create", "get", "list", "watch", "update", "patch", "delete", "deletecollection"],
  "must be a verb of the API: create, get, list, watch, update, patch, delete or deletecollection",
);

const Share = v.pipe(v.number("must be a number"), v.minValue(0, "must be 0 to 1"), v.maxValue(1, "must be 0 to 1"));

/** The keys that every fault may have. */
const common = {
  /** To tell several faults of the same name apart; default: the name. A fault of the same id is replaced. */
  id: v.optional(Text),
  /** The share of requests, pods or watches that it hits, 0 to 1; default 1: all that it is about. */
  share: v.optional(Share),
  /** How often it strikes before it is off; default: for ever. */
  count: v.optional(Whole),
  /** Only requests with one of these verbs; default: those that the fault is about. */
  verbs: v.optional(v.array(Verb, "must be a list")),
  /** Only requests for one of these resources, `pods` for instance; default: those that the fault is about. */
  resources: v.optional(v.array(Text, "must be a list")),
  /** Only requests whose path contains one of these texts, `/namespaces/a/` for instance; default: all. */
  paths: v.optional(v.array(Text, "must be a list")),
};

const FaultSchema = v.variant("name", [
  /** Creates are refused once `limit` pods that have not ended are in the namespace. */
  v.strictObject({ name: v.literal("quota"), ...common, limit: Whole, quota: v.optional(Text, "simulated") }),
  /** Creates are refused in the words of Pod Security, level `restricted`, or with `message`. */
  v.strictObject({ name: v.literal("pod-security"), ...common, message: v.optional(Text) }),
  /** RBAC refuses creates, or the given `verbs`. */
  v.strictObject({ name: v.literal("forbidden"), ...common }),
  /** 401 for everything. */
  v.strictObject({ name: v.literal("unauthorised"), ...common }),
  /** Pods that are created from now on fail to pull their image. */
  v.strictObject({ name: v.literal("image-pull-fails"), ...common }),
  /** Pods that are created from now on find no node. */
  v.strictObject({ name: v.literal("unschedulable"), ...common }),
  /** Every `periodMs`, running pods are evicted by their kubelet: phase Failed, reason Evicted. */
  v.strictObject({
    name: v.literal("evictions"),
    ...common,
    periodMs: v.optional(Milliseconds, 1000),
    message: v.optional(Text),
  }),
  /** Every `periodMs`, running pods are preempted: marked as disrupted and deleted with `graceSeconds`. */
  v.strictObject({
    name: v.literal("preemption"),
    ...common,
    periodMs: v.optional(Milliseconds, 1000),
    graceSeconds: v.optional(Whole, 30),
  }),
  /** Every `periodMs`, watches end: with a broken connection, or cleanly (`how: end`). */
  v.strictObject({
    name: v.literal("dropped-watches"),
    ...common,
    periodMs: v.optional(Milliseconds, 1000),
    how: v.optional(v.picklist(["break", "end"], "must be 'break' or 'end'"), "break"),
  }),
  /** Open and new watches stay open and send nothing any more, even once the fault is off. */
  v.strictObject({ name: v.literal("half-open-watches"), ...common }),
  /** 410 for watches that name a resource version: as an ERROR event, like the real API server, or as HTTP status. */
  v.strictObject({
    name: v.literal("expired-watches"),
    ...common,
    how: v.optional(v.picklist(["event", "status"], "must be 'event' or 'status'"), "event"),
  }),
  /** Pages of a list hold at most so many items, however many more were asked for. */
  v.strictObject({
    name: v.literal("small-pages"),
    ...common,
    items: v.pipe(Whole, v.minValue(1, "must be 1 or more")),
  }),
  /** 410 for pages of a list after the first. */
  v.strictObject({ name: v.literal("expired-pages"), ...common }),
  /**
   * Lists are valid and empty, at the current resource version. Lists of pods, unless `resources` or `paths` say
   * otherwise; a paged list that has begun continues.
   */
  v.strictObject({ name: v.literal("empty-lists"), ...common }),
  /** Lists omit the share `missing` of the objects, the same ones in every list, and are valid otherwise. */
  v.strictObject({ name: v.literal("partial-lists"), ...common, missing: v.optional(Share, 0.5) }),
  /** Each page repeats the `continue` token of its request (the first page: a valid one), so that a list never ends. */
  v.strictObject({ name: v.literal("repeated-pages"), ...common }),
  /** New watches carry nothing, not even bookmarks, and end cleanly: at their time-out or at once. */
  v.strictObject({
    name: v.literal("unstreamed-watches"),
    ...common,
    how: v.optional(v.picklist(["timeout", "at-once"], "must be 'timeout' or 'at-once'"), "timeout"),
  }),
  /**
   * A share of the pods is invisible: not in lists, no events, 404 for GET by name. Writes reach them. No event reports
   * the beginning or the end of the fault; later changes are reported as usual. Like a proxy that serves another
   * cluster's state.
   */
  v.strictObject({
    name: v.literal("hidden-pods"),
    id: common.id,
    share: common.share,
    verbs: common.verbs,
    paths: common.paths,
  }),
  /** Lists and gets are answered from a state that is `ageMs` old, as far as history reaches back. */
  v.strictObject({ name: v.literal("stale-reads"), ...common, ageMs: v.optional(Milliseconds, 5000) }),
  /**
   * An admission webhook drops labels and annotations whose keys start with one of `prefixes` from pods at creation.
   */
  v.strictObject({
    name: v.literal("dropped-marks"),
    ...common,
    prefixes: v.pipe(v.array(Text, "must be a list"), v.nonEmpty("must not be empty")),
  }),
  /** The `Date` header of answers is `aheadMs` ahead of the cluster's time, or behind it if negative. */
  v.strictObject({ name: v.literal("clock-ahead"), ...common, aheadMs: v.number("must be a number") }),
  /** Answers take `latencyMs`, and up to `jitterMs` more. */
  v.strictObject({
    name: v.literal("slow"),
    ...common,
    latencyMs: Milliseconds,
    jitterMs: v.optional(Milliseconds, 0),
  }),
  /** Requests fail with this HTTP status, in its usual words or with `message`. */
  v.strictObject({
    name: v.literal("failing"),
    ...common,
    status: v.optional(v.picklist([429, 500, 503, 504], "must be 429, 500, 503 or 504"), 500),
    message: v.optional(Text),
    /** Default 1 for 429, none for 503. */
    retryAfterSeconds: v.optional(Whole),
  }),
  /** The connection breaks before anything was done. */
  v.strictObject({ name: v.literal("lost-requests"), ...common }),
  /** Requests are carried out, and the connection breaks before the answer arrives. Creates and deletes, or `verbs`. */
  v.strictObject({ name: v.literal("lost-answers"), ...common }),
], (issue) => `must name a fault that is known: one of ${issue.expected}`);

/** Something that goes wrong on purpose. */
export type Fault = v.InferOutput<typeof FaultSchema>;
export type FaultName = Fault["name"];
export type FaultOf<N extends FaultName> = Extract<Fault, { name: N }>;

/** A fault as a file or a caller writes it, without defaults: only the name is always required. */
export type FaultInput = v.InferInput<typeof FaultSchema>;

/**
 * Checks one fault.
 * @param source where it comes from, for the error message
 * @throws HostFactoryError that names the source, fault and field
 */
export function parseFault(value: unknown, source: string): Fault {
  const result = v.safeParse(FaultSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const name = (value as { name?: unknown } | null)?.name;
  const fault = typeof name === "string" ? ` '${name}'` : "";
  throw new HostFactoryError(
    `Cannot use fault${fault} in '${source}': ${v.getDotPath(issue) ?? "it"} ${problemOf(issue)}`,
  );
}

/**
 * Checks a document with a list of faults: a list, or an object whose `faults` is one.
 * @throws HostFactoryError that names document, fault and field
 */
export function parseFaults(document: unknown, source: string): Fault[] {
  const list = Array.isArray(document) ? document : (document as { faults?: unknown } | null)?.faults;
  if (!Array.isArray(list)) {
    throw new HostFactoryError(`Cannot read faults in '${source}': it must hold a list of faults`);
  }
  return list.map((fault) => parseFault(fault, source));
}
