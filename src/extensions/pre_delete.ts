import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import { withDeadline } from "../kube/transport/deadline.ts";
import { type Extension, type Registry, withHook } from "./extension.ts";
import { type HookAnswer, HookUnavailable } from "./hook_client.ts";
import type { Caller } from "./pre_create.ts";

/** How long a deletion waits if the extension does not say how long, in milliseconds. */
const ASK_AGAIN_MS = 5_000;

/** The version of the documents that are posted. */
const VERSION = 1;

/** What `PreDelete` needs. */
export interface PreDeleteContext {
  registrations: { readonly registry: Registry };
  hooks: Caller;
  clock: Clock;
  instance: string;
  /** Ends every call. */
  stopping: AbortSignal;
  /** Called for each call without an answer, or with one that the protocol does not allow. */
  unanswered: (extension: string, reason: string) => void;
}

/** What one extension has answered about the deletion of one pod. */
interface Consent {
  isGiven: boolean;
  hasAnswered: boolean;
  /** From when on it counts as given in any case, on the monotonic clock. */
  untilMs: number;
}

/** How a call has ended. */
interface Reply {
  /** For how many milliseconds the deletion is to wait. */
  waitMs: number;
  /** False if the extension gave no answer that the protocol allows. */
  isAnswer: boolean;
}

/** What all extensions have answered about the deletion of one pod. */
interface Question {
  consents: Map<string, Consent>;
  /** The round of calls in flight; all callers share its result. */
  underWay: Promise<number> | undefined;
}

/** Asks extensions before a pod is deleted: each may delay the deletion for a while, but none can prevent it. */
export class PreDelete {
  readonly #context: PreDeleteContext;
  /** By uid. */
  readonly #questions = new Map<string, Question>();

  constructor(context: PreDeleteContext) {
    this.#context = context;
  }

  /** True if the pod may be deleted now: no extension has the hook, all have agreed, or their time is over. */
  isFree(uid: string): boolean {
    const { registrations: { registry }, clock } = this.#context;
    if (registry.extensions.length === 0) return true;
    const consents = this.#questions.get(uid)?.consents;
    return registry.extensions.every(({ name, hooks }) => {
      if (hooks["pre-delete"] === undefined) return true;
      const consent = consents?.get(name);
      return consent !== undefined && (consent.isGiven || clock.monotonic() >= consent.untilMs);
    });
  }

  /**
   * Asks all extensions that have not agreed to this deletion yet, all at once.
   * @returns how many milliseconds to wait before asking again; 0: the pod may be deleted now
   * @throws what `stopping` was aborted with
   */
  async waitMs(name: string, uid: string): Promise<number> {
    const question = this.#questions.get(uid) ?? { consents: new Map(), underWay: undefined };
    this.#questions.set(uid, question);
    question.underWay ??= this.#askAll({ name, uid }, question.consents).finally(() => question.underWay = undefined);
    return await question.underWay;
  }

  /** Forgets a pod that is gone, or is not to be deleted after all. */
  forget(uid: string): void {
    this.#questions.delete(uid);
  }

  /** How many pods are remembered. */
  get size(): number {
    return this.#questions.size;
  }

  async #askAll(machine: { name: string; uid: string }, consents: Map<string, Consent>): Promise<number> {
    const asked = withHook(this.#context.registrations.registry, "pre-delete")
      .map((extension) => this.#ask(extension, machine, consents));
    return Math.max(0, ...await Promise.all(asked));
  }

  async #ask(
    extension: Extension,
    machine: { name: string; uid: string },
    consents: Map<string, Consent>,
  ): Promise<number> {
    const { clock } = this.#context;
    const { name, drainMs } = extension;
    const consent = consents.get(name) ??
      { isGiven: false, hasAnswered: false, untilMs: clock.monotonic() + drainMs };
    consents.set(name, consent);
    const leftMs = () => Math.max(0, consent.untilMs - clock.monotonic());
    if (consent.isGiven || leftMs() === 0) return 0;
    const { waitMs, isAnswer } = await this.#call(extension, machine, leftMs());
    consent.isGiven = waitMs === 0;
    // Its time is not over before it has begun: the call may have reached it late.
    if (isAnswer && !consent.hasAnswered) consent.untilMs = clock.monotonic() + drainMs;
    consent.hasAnswered ||= isAnswer;
    return Math.min(waitMs, leftMs());
  }

  async #call(extension: Extension, machine: { name: string; uid: string }, leftMs: number): Promise<Reply> {
    const { hooks, clock, instance, stopping, unanswered } = this.#context;
    const { name, failurePolicy } = extension;
    const expired = () => new HookUnavailable(`Extension '${name}' did not answer before its drainSeconds were over`);
    const document = { version: VERSION, hook: "pre-delete", extension: name, instance, machine };
    const noAnswer = (reason: string, waitMs: number): Reply => {
      unanswered(name, reason);
      return { waitMs: failurePolicy === "ignore" ? 0 : Math.max(ASK_AGAIN_MS, waitMs), isAnswer: false };
    };
    try {
      const answer = await withDeadline(
        { clock, signal: stopping, timeoutMs: leftMs, expired },
        (signal) => hooks.call(extension, { kind: "pre-delete", document, signal }),
      );
      const waitMs = waitOf(answer);
      if (waitMs !== undefined) return { waitMs, isAnswer: true };
      return noAnswer(`Extension '${name}' answered ${answer.status}, which says nothing of a deletion`, 0);
    } catch (error) {
      if (stopping.aborted) throw stopping.reason;
      return noAnswer(describeError(error), error instanceof HookUnavailable ? error.waitMs : 0);
    }
  }
}

/**
 * How long an answer asks to wait, in milliseconds; `undefined` if its status means nothing here (source:
 * `docs/extensions.md`, "pre-delete").
 */
function waitOf({ status, retryAfterMs }: HookAnswer): number | undefined {
  if (status === 200 || status === 204 || status === 304) return 0;
  return status === 202 || status === 503 ? retryAfterMs ?? ASK_AGAIN_MS : undefined;
}
