import * as v from "valibot";
import { HostFactoryError } from "../../errors.ts";

const Milliseconds = v.pipe(v.number("must be a number"), v.minValue(0, "must not be negative"));
const Phase = v.picklist(["Pending", "Running", "Succeeded", "Failed"], "must be a phase of a pod");
const Texts = v.array(v.string("must be a string"), "must be a list");

const Match = v.strictObject({
  /** One of these phases. */
  phase: v.optional(v.array(Phase, "must be a list of phases")),
  /** It has a node, or not. */
  scheduled: v.optional(v.boolean("must be true or false")),
  /** It is being deleted, or not. */
  deleting: v.optional(v.boolean("must be true or false")),
  /** Its condition Ready is True, or not. */
  ready: v.optional(v.boolean("must be true or false")),
  /** Why its first container waits: one of these; an empty text: it does not wait, or has no status yet. */
  waiting: v.optional(Texts),
  /** Its label `hostfactory.test/behaviour` is one of these. */
  behaviour: v.optional(Texts),
  /** Its label `hostfactory.test/behaviour` is none of these. */
  notBehaviour: v.optional(Texts),
  /** Its labels have these values. */
  labels: v.optional(v.record(v.string(), v.string("must be a string"), "must be an object")),
});

const Reason = v.strictObject({
  reason: v.string("must be a string"),
  message: v.optional(v.string("must be a string")),
});

const Next = v.strictObject({
  /** Give it a node; if none has room, mark it unschedulable and try again. */
  schedule: v.optional(v.literal(true, "must be true")),
  /** Mark it unschedulable with these words; `{nodes}` stands for the number of nodes. */
  unschedulable: v.optional(v.string("must be a string")),
  phase: v.optional(Phase),
  reason: v.optional(v.string("must be a string")),
  message: v.optional(v.string("must be a string")),
  /** The condition Ready, and the readiness of every container. */
  ready: v.optional(v.boolean("must be true or false")),
  /** The state of every container from now on. */
  waiting: v.optional(Reason),
  running: v.optional(v.literal(true, "must be true")),
  /** How it ended; if it is waiting as well, how it ended before that. */
  terminated: v.optional(v.strictObject({
    exitCode: v.pipe(v.number("must be a number"), v.integer("must be a whole number")),
    reason: v.string("must be a string"),
  })),
  /** How many restarts of every container are added. */
  restarts: v.optional(v.pipe(v.number("must be a number"), v.integer("must be a whole number"))),
  /** The condition DisruptionTarget. */
  disruption: v.optional(
    v.strictObject({ reason: v.string("must be a string"), message: v.string("must be a string") }),
  ),
  /** Ask for its deletion with this grace period in seconds, as another client of the cluster would. */
  deleteAfterSeconds: v.optional(v.pipe(v.number("must be a number"), v.minValue(0, "must not be negative"))),
  /** Remove it, at the latest when its grace period is over. */
  delete: v.optional(v.literal(true, "must be true")),
});

const StageSchema = v.strictObject({
  name: v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty")),
  match: Match,
  /** How long a pod matches before `next` happens: `delayMs`, and up to `jitterMs` more. */
  delayMs: v.optional(Milliseconds, 0),
  jitterMs: v.optional(Milliseconds, 0),
  /** If several stages match at once, one is drawn by weight. It stays drawn for as long as the pod matches it. */
  weight: v.optional(v.pipe(v.number("must be a number"), v.minValue(0, "must not be negative")), 1),
  /** What happens then. Empty: the pod stays as it is. */
  next: v.optional(Next, {}),
});

const StagesSchema = v.strictObject({
  /** Keep the default stages before these, except those of the same name. */
  defaults: v.optional(v.boolean("must be true or false"), false),
  stages: v.array(StageSchema, "must be a list"),
});

/** One step in the life of a pod: which pods it applies to, after how long, and what happens then. */
export type Stage = v.InferOutput<typeof StageSchema>;

/**
 * Checks a document of stages, and joins it with `defaults` if it says so.
 * @param source what to call the document in an error: the file's path
 * @throws HostFactoryError that names document, stage and field
 */
export function parseStages(document: unknown, { source, defaults }: { source: string; defaults: Stage[] }): Stage[] {
  const result = v.safeParse(StagesSchema, document);
  if (!result.success) {
    const issue = result.issues[0];
    const position = issue.path?.[1]?.key;
    const given = (document as { stages?: { name?: unknown }[] } | null)?.stages?.[Number(position)]?.name;
    const stage = typeof given === "string" ? ` (stage '${given}')` : "";
    const field = v.getDotPath(issue) ?? "the document";
    throw new HostFactoryError(`Cannot read stages in '${source}': ${field}${stage} ${problemOf(issue)}`);
  }
  const names = new Set<string>();
  for (const { name } of result.output.stages) {
    if (names.has(name)) {
      throw new HostFactoryError(`Cannot read stages in '${source}': two stages are named '${name}'`);
    }
    names.add(name);
  }
  const kept = result.output.defaults ? defaults.filter(({ name }) => !names.has(name)) : [];
  return [...kept, ...result.output.stages];
}

/** The problem in plain words: if a key is missing or unknown, valibot's own message only mentions types. */
export function problemOf(issue: v.BaseIssue<unknown>): string {
  if (issue.kind !== "schema" || issue.type !== "strict_object") return issue.message;
  if (issue.expected === "never") return "is not known here";
  return issue.received === "undefined" ? "is missing" : "must be an object";
}
