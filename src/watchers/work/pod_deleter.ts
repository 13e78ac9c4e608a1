import { describeError } from "../../errors.ts";
import { KubeError } from "../../kube/errors.ts";
import { logger } from "../../log.ts";
import { backoffMs } from "./backoff.ts";
import { Limiter } from "./limiter.ts";
import type { Watching } from "../dependencies.ts";

/** A delete that was accepted is repeated after this long, in milliseconds, where the pod has not been seen going. */
const ASK_AGAIN_MS = 30_000;

/** How long after its deletion time, in seconds, a pod may linger before it is asked for again. */
const LINGER_SECONDS = 30;

/** A pod that is to go. */
interface Wanted {
  name: string;
  uid: string;
  failures: number;
  /** The cluster has said that it is gone. */
  isGone: boolean;
  /** When it may be asked for again, on the monotonic clock; nothing while it is queued or a call is under way. */
  againMs: number | undefined;
}

/**
 * Deletes pods, each until it has been seen gone: that the deletion was accepted is not enough. Every delete carries the
 * uid, so that another pod under the same name is never touched.
 */
export class PodDeleter {
  readonly #watching: Watching;
  readonly #limiter: Limiter;
  readonly #wake: () => void;
  /** By uid, until seen gone. */
  readonly #wanted = new Map<string, Wanted>();
  /** Of these, the ones that wait for a slot, the next one last. */
  readonly #queue: Wanted[] = [];
  readonly #log: ReturnType<typeof logger>;

  /** @param options `wake` is called when there is nothing left to do but to look again */
  constructor(watching: Watching, options: { name: string; wake: () => void }) {
    this.#watching = watching;
    this.#wake = options.wake;
    this.#limiter = new Limiter(watching.concurrency, { ...watching, freed: () => this.#freed() });
    this.#log = logger(options.name);
  }

  /**
   * Deletes the pod unless that is under way, or the pod is going already. Nothing starts before `start`.
   * @param deletionAt when the pod is to be gone, in seconds since the epoch on the cluster, where somebody is deleting it
   */
  want(name: string, { uid, deletionAt }: { uid: string; deletionAt: number | undefined }): void {
    if (deletionAt !== undefined && !this.#lingers(deletionAt)) return;
    if (this.isUnderWay(uid)) return;
    const wanted = this.#wanted.get(uid) ?? { name, uid, failures: 0, isGone: false, againMs: undefined };
    wanted.againMs = undefined;
    this.#wanted.set(uid, wanted);
    this.#queue.unshift(wanted);
  }

  /** True where a pod with this uid has been asked for and need not be looked at before that may be done again. */
  isUnderWay(uid: string): boolean {
    const wanted = this.#wanted.get(uid);
    return wanted !== undefined && (wanted.againMs === undefined || this.#watching.clock.monotonic() < wanted.againMs);
  }

  /** Starts as many of the deletes that are wanted as there are slots. */
  start(): void {
    while (this.#limiter.free > 0 && !this.#watching.stopping.aborted) {
      const wanted = this.#queue.pop();
      if (!wanted) return;
      this.#limiter.start(() => this.#delete(wanted));
    }
  }

  /** Forgets a pod that has been seen gone. */
  gone(uid: string): void {
    this.#wanted.delete(uid);
  }

  /** Forgets pods of which `isWanted` wants nothing any more, but for those that are queued or under way. */
  retain(isWanted: (name: string) => boolean): void {
    for (const [uid, { name, againMs }] of this.#wanted) {
      if (againMs !== undefined && !isWanted(name)) this.#wanted.delete(uid);
    }
  }

  /** When there is something to do again, on the monotonic clock; infinity where nothing waits. */
  get nextMs(): number {
    let next = Infinity;
    for (const { againMs = Infinity } of this.#wanted.values()) next = Math.min(next, againMs);
    const { pausedUntilMs } = this.#limiter;
    if (this.#queue.length > 0 && pausedUntilMs > this.#watching.clock.monotonic()) {
      next = Math.min(next, pausedUntilMs);
    }
    return next;
  }

  /** Resolves once no delete is under way. */
  drained(): Promise<void> {
    return this.#limiter.drained();
  }

  #lingers(deletionAt: number): boolean {
    const now = this.#watching.kube.now();
    // Where nothing is known of its time yet, one delete too many does no harm, and its answer tells the time.
    if (now === undefined) return this.#wanted.size === 0;
    return now / 1000 >= deletionAt + LINGER_SECONDS;
  }

  #freed(): void {
    this.start();
    if (this.#queue.length === 0) this.#wake();
  }

  async #delete(wanted: Wanted): Promise<void> {
    const { kube, clock, random, suspects, signal } = this.#watching;
    const { name, uid } = wanted;
    try {
      await kube.deletePod(name, { uid, signal });
      this.#limiter.succeeded();
      wanted.failures = 0;
      wanted.againMs = clock.monotonic() + ASK_AGAIN_MS;
      this.#log.debug("Pod deletion accepted", { machine: name });
    } catch (error) {
      const isGone = error instanceof KubeError && (error.kind === "notFound" || error.kind === "conflict");
      if (isGone) {
        // The watch will say so as well; if it has not by the next time, it will not: the pod may lack our labels.
        this.#limiter.succeeded();
        if (wanted.isGone) suspects.add(name);
        wanted.isGone = true;
        wanted.againMs = clock.monotonic() + ASK_AGAIN_MS;
        return;
      }
      wanted.failures++;
      wanted.againMs = clock.monotonic() + backoffMs(wanted.failures, random);
      if (signal.aborted) return;
      this.#limiter.failed(error);
      this.#log.warn("Pod not deleted yet", { machine: name, tries: wanted.failures, error: describeError(error) });
    }
  }
}
