import * as v from "valibot";
import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import { describeIssue } from "../hf/issue.ts";
import { isDeeperThan } from "../hf/nesting.ts";
import { type BackoffLimits, backoffMs } from "../kube/backoff.ts";
import { plainLine } from "../plain_text.ts";
import type { Random } from "../random.ts";
import { type Manifest, parsePod } from "../templates/manifest.ts";
import type { OrderedPod } from "../templates/podspec.ts";
import type { Extension } from "./extension.ts";
import { type HookAnswer, type HookCall, HookUnavailable } from "./hook_client.ts";
import { forbiddenChanges, valueAt } from "./pod_changes.ts";

/** The first and the longest wait between two tries of a hook, in milliseconds. The wait doubles. */
const AGAIN: BackoffLimits = { firstMs: 250, longestMs: 5_000 };

/** How many characters of a hook's own message are kept. */
const LONGEST_REASON = 500;

/** How deep a pod may be nested. The API server's types have fewer than thirty levels. */
const MOST_LEVELS = 100;

/** The largest pod, in characters of JSON: about as much as the API server accepts. */
const LARGEST_POD = 1024 * 1024;

/** The version of the documents that are posted. */
const VERSION = 1;

/** Calls hooks: see `HookClient`. */
export interface Caller {
  /** The names of the extensions that are being left alone because they do not answer. */
  readonly leftAlone: readonly string[];
  call(extension: Extension, call: HookCall): Promise<HookAnswer>;
}

/** The request that the pods are for, as hooks see it. */
export interface HookRequest {
  id: string;
  templateId: string | undefined;
  count: number;
  /** Seconds since the epoch; unknown for a request of the legacy plug-in. */
  requestedAt: number | undefined;
}

/** A pod that is to be created. */
export interface PodDraft {
  name: string;
  /** The machine's place in its request, from 0. */
  index: number;
  pod: OrderedPod;
}

/**
 * What the hooks have decided for one draft. `pod`: create this pod; `refused`: a hook refuses the whole request;
 * `failed`: only this machine fails.
 */
export type PreCreateDecision = { kind: "pod"; pod: OrderedPod } | { kind: "refused" | "failed"; reason: string };

/** What a pass of drafts through the extensions needs. */
export interface PreCreateContext {
  caller: Caller;
  clock: Clock;
  random: Random;
  /** The extensions with this hook, in their order. */
  extensions: readonly Extension[];
  instance: string;
  /** The namespace of the pods, if it is known. */
  namespace: string | undefined;
  request: HookRequest;
  /** The template's configuration for each extension, by name. */
  configuration: Readonly<Record<string, unknown>>;
  signal: AbortSignal;
  /** Called for each try without an answer: the machines wait for the extension, or go on without it. */
  unanswered: (extension: string, trouble: { reason: string; outcome: "waits" | "left out" | "failed" }) => void;
}

/**
 * Passes drafts of one request through all extensions, one extension after the other. Each gets them in batches of its
 * own size, all batches at once.
 * @returns the decision for each machine, by its name
 * @throws the signal's reason
 */
export async function preCreate(
  context: PreCreateContext,
  drafts: readonly PodDraft[],
): Promise<Map<string, PreCreateDecision>> {
  const decisions = new Map<string, PreCreateDecision>(drafts.map(({ name, pod }) => [name, { kind: "pod", pod }]));
  for (const extension of context.extensions) {
    const going: PodDraft[] = [];
    for (const { name, index } of drafts) {
      const decision = decisions.get(name);
      if (decision?.kind === "pod") going.push({ name, index, pod: decision.pod });
    }
    const batches: PodDraft[][] = [];
    for (let i = 0; i < going.length; i += extension.batch) batches.push(going.slice(i, i + extension.batch));
    await Promise.all(batches.map(async (batch) => {
      const answers = await askPersistently(context, extension, batch);
      for (const [i, { name }] of batch.entries()) decisions.set(name, answers[i] ?? missing(extension, name));
    }));
  }
  return decisions;
}

/**
 * Calls until the extension answers. If it does not within `retryMs`, its failure policy decides; but not after a single
 * try that left no time for a second one, because then this process stood still, or the try had to wait for its turn.
 */
async function askPersistently(
  context: PreCreateContext,
  extension: Extension,
  batch: readonly PodDraft[],
): Promise<PreCreateDecision[]> {
  const { clock, random, signal } = context;
  const untilMs = clock.monotonic() + extension.retryMs;
  for (let failures = 1;; failures++) {
    try {
      return await ask(context, extension, batch);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof HookUnavailable || error instanceof HostFactoryError)) throw error;
      const againMs = backoffMs(failures, random, AGAIN);
      const waitMs = Math.max(error instanceof HookUnavailable ? error.waitMs : 0, againMs);
      const reason = error.message;
      const nowMs = clock.monotonic();
      const isAllInOne = failures === 1 && extension.retryMs > 0 && nowMs + againMs > untilMs;
      if (nowMs + waitMs > untilMs && !isAllInOne) return giveUp(context, extension, { batch, reason });
      context.unanswered(extension.name, { reason, outcome: "waits" });
      await clock.sleep(waitMs, signal);
    }
  }
}

function giveUp(
  context: PreCreateContext,
  { name, failurePolicy }: Extension,
  { batch, reason }: { batch: readonly PodDraft[]; reason: string },
): PreCreateDecision[] {
  const isFatal = failurePolicy === "fail";
  context.unanswered(name, { reason, outcome: isFatal ? "failed" : "left out" });
  return batch.map(({ pod }) => isFatal ? { kind: "failed", reason } : { kind: "pod", pod });
}

async function ask(
  context: PreCreateContext,
  extension: Extension,
  batch: readonly PodDraft[],
): Promise<PreCreateDecision[]> {
  const { caller, instance, namespace = null, request, configuration, signal } = context;
  const shared = {
    version: VERSION,
    hook: "pre-create",
    extension: extension.name,
    instance,
    namespace,
    request,
    configuration: configuration[extension.name] ?? null,
  };
  const [first] = batch;
  const isBatch = extension.batch > 1;
  const document = isBatch
    ? { ...shared, machines: batch.map(({ name, index, pod }) => ({ name, index, pod })) }
    : { ...shared, machine: { name: first?.name, index: first?.index }, pod: first?.pod };
  const answer = await caller.call(extension, { kind: "pre-create", document, machines: batch.length, signal });
  if (isBatch && answer.status === 200) return judgeBatch(extension, batch, answer.text);
  return batch.map((draft) => judge(extension, draft, answer));
}

const BatchAnswerSchema = v.object({
  answers: v.array(
    v.object({
      status: v.pipe(v.number("must be a number"), v.integer("must be a whole number")),
      pod: v.optional(v.unknown()),
      message: v.optional(v.string("must be a string")),
    }, "must be an object"),
    "must be a list",
  ),
}, "must be an object");

function judgeBatch(extension: Extension, batch: readonly PodDraft[], text: string): PreCreateDecision[] {
  const fail = (reason: string) => batch.map((): PreCreateDecision => badAnswer(extension, reason));
  const document = parsed(text);
  if (document === undefined) return fail("it is not JSON");
  const result = v.safeParse(BatchAnswerSchema, document);
  if (!result.success) {
    const { field = "it", fault } = describeIssue(result.issues[0]);
    return fail(`${field} ${fault}`);
  }
  const { answers } = result.output;
  if (answers.length !== batch.length) {
    return fail(`answers holds ${answers.length}, and ${batch.length} machines were asked for`);
  }
  return batch.map((draft, i): PreCreateDecision => {
    const { status, pod, message } = answers[i] ?? { status: 304 };
    if (status === 200) return judgePod(extension, draft, pod);
    return judge(extension, draft, { status, text: message ?? "" });
  });
}

/** What one answer decides for one draft. */
function judge(
  extension: Extension,
  draft: PodDraft,
  { status, text }: Pick<HookAnswer, "status" | "text">,
): PreCreateDecision {
  if (status === 304 || status === 204) return { kind: "pod", pod: draft.pod };
  if (status === 200) return judgePod(extension, draft, parsed(text) ?? text);
  if (status >= 400 && status < 500) {
    return { kind: "refused", reason: `Refused by extension '${extension.name}': ${wordsOf(text, status)}` };
  }
  return badAnswer(extension, `its status is ${status}`);
}

function judgePod(extension: Extension, { name, pod }: PodDraft, answered: unknown): PreCreateDecision {
  try {
    if (isDeeperThan(MOST_LEVELS, answered)) return badAnswer(extension, `it has more than ${MOST_LEVELS} levels`);
    const changed = parsePod(answered, `that extension '${extension.name}' answered for '${name}'`);
    const size = JSON.stringify(changed).length;
    if (size > LARGEST_POD) return badAnswer(extension, `the pod has ${size} characters, and may have ${LARGEST_POD}`);
    const [forbidden] = forbiddenChanges(pod, changed, extension.mayChange);
    if (forbidden === undefined) return { kind: "pod", pod: asOrdered(changed, pod) };
    const value = shown(valueAt(changed, forbidden));
    return badAnswer(extension, `it may not change ${forbidden || "the whole pod"}, and made it ${value}`);
  } catch (error) {
    if (!(error instanceof HostFactoryError)) throw error;
    return { kind: "failed", reason: error.message };
  }
}

/**
 * The pod of an answer as one to create. `forbiddenChanges` has seen to it that its marks are those of the pod that was
 * sent.
 */
function asOrdered(changed: Manifest, { metadata: { name } }: OrderedPod): OrderedPod {
  const { labels, annotations, ...rest } = changed.metadata ?? {};
  return { ...changed, metadata: { ...rest, name, labels: labels ?? {}, annotations: annotations ?? {} } };
}

function badAnswer({ name }: Extension, what: string): PreCreateDecision {
  return { kind: "failed", reason: `Cannot use the answer of extension '${name}': ${what}` };
}

function missing(extension: Extension, machine: string): PreCreateDecision {
  return badAnswer(extension, `it says nothing of '${machine}'`);
}

/** The reason that a hook gives for its refusal. */
function wordsOf(text: string, status: number): string {
  const document = parsed(text);
  const message = typeof document === "object" && document !== null && "message" in document
    ? document.message
    : undefined;
  const words = typeof message === "string" ? message : text;
  return plainLine(words).trim().slice(0, LONGEST_REASON) || `it answered ${status} and does not say why`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? "nothing").slice(0, 100);
}
