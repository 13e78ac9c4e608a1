import { KubeError } from "../../kube/errors.ts";
import { GatheringLog, logger } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import { type Backlog, sumOf } from "../loop.ts";
import { Limiter } from "./limiter.ts";
import { WorkQueue } from "./work_queue.ts";

const log = logger("deletions");
const notDeleted = new GatheringLog("deletions", "Pods not deleted yet", { of: "machines", isTriedAgain: true });
const notAsked = new GatheringLog("deletions", "Extensions not asked about deletions yet", {
  of: "machines",
  isTriedAgain: true,
});

/** A delete that was accepted is repeated after this long, in milliseconds, if the pod has not been seen going. */
const ASK_AGAIN_MS = 30_000;

/** How long after its deletion time, in seconds, a pod may linger before it is asked for again. */
const LINGER_SECONDS = 30;

/** A pod that is to go, by its uid. */
interface Wanted {
  name: string;
  /** The cluster has said that it is gone. */
  isGone: boolean;
}

/**
 * Deletes pods, each until it has been seen gone: that the deletion was accepted is not enough. Every delete carries the
 * uid, so that another pod under the same name is never touched. Extensions are asked first, beside the calls to the cluster: who
 * is slow to answer takes none of their room.
 */
export class PodDeleter {
  readonly #dependencies: Dependencies;
  readonly #queue: WorkQueue<Wanted>;
  /** Pods that extensions have to agree on first. */
  readonly #toAsk: WorkQueue<Wanted>;

  /** @param options `wake` is called when there is nothing left to do but to look again */
  constructor(dependencies: Dependencies, options: { wake: () => void }) {
    this.#dependencies = dependencies;
    this.#queue = new WorkQueue(dependencies, {
      concurrency: dependencies.concurrency,
      call: (uid, wanted) => this.#delete(uid, wanted),
      failed: (uid, { error }) => notDeleted.failed(this.#queue.get(uid)?.name ?? uid, error),
      idle: options.wake,
    });
    const { clock, random, stopping } = dependencies;
    const limiter = new Limiter({ clock, random }); // Its own: what extensions say tells nothing of the cluster.
    this.#toAsk = new WorkQueue({ clock, random, limiter, stopping, signal: stopping }, {
      concurrency: Infinity,
      call: (uid, wanted) => this.#ask(uid, wanted),
      failed: (uid, { error }) => notAsked.failed(this.#toAsk.get(uid)?.name ?? uid, error),
      idle: () => {},
    });
  }

  /**
   * Deletes the pod unless that is under way, or the pod is going already. Nothing starts before `start`.
   * @param deletionAt when the pod is to be gone, in seconds since the epoch on the cluster, if it is being deleted
   */
  want(name: string, { uid, deletionAt }: { uid: string; deletionAt?: number | undefined }): void {
    if (deletionAt !== undefined && !this.#lingers(deletionAt)) return;
    const queue = this.#dependencies.preDelete.isFree(uid) ? this.#queue : this.#toAsk;
    queue.add(uid, { name, isGone: false });
  }

  /** True if a pod with this uid has been asked for and need not be looked at before that may be done again. */
  isUnderWay(uid: string): boolean {
    return this.#queue.isBusy(uid) || this.#toAsk.isBusy(uid);
  }

  /** Begins as many of the deletes that are wanted as may be in flight. */
  start(): void {
    this.#toAsk.start();
    this.#queue.start();
  }

  /** Forgets a pod that has been seen gone. */
  gone(uid: string): void {
    this.#queue.forget(uid);
    this.#toAsk.forget(uid);
    this.#dependencies.preDelete.forget(uid);
  }

  /** Forgets pods of machines that `isWanted` does not want deleted any more. */
  retain(isWanted: (name: string) => boolean): void {
    for (const queue of [this.#queue, this.#toAsk]) {
      queue.retain((uid, { name }) => {
        if (isWanted(name)) return true;
        this.#dependencies.preDelete.forget(uid);
        return false;
      });
    }
  }

  /** When there is something to do again, on the monotonic clock; infinity if nothing waits. */
  get nextMs(): number {
    return Math.min(this.#queue.nextMs, this.#toAsk.nextMs);
  }

  /** Pods that are to go, and those whose deletion did not work yet. */
  get backlog(): Backlog {
    return sumOf([this.#queue.backlog, this.#toAsk.backlog]);
  }

  /** Resolves once no delete is in flight, and no extension is being asked. */
  async drained(): Promise<void> {
    await Promise.all([this.#toAsk.drained(), this.#queue.drained()]);
  }

  #lingers(deletionAt: number): boolean {
    const now = this.#dependencies.kube.now();
    // If nothing is known of its time yet, one delete too many does no harm, and its answer tells the time.
    if (now === undefined) return this.#queue.size === 0;
    return now / 1000 >= deletionAt + LINGER_SECONDS;
  }

  /** @returns when the extensions are to be asked again; `undefined` once they agree, and the pod is about to be deleted */
  async #ask(uid: string, wanted: Wanted): Promise<number | undefined> {
    const waitMs = await this.#dependencies.preDelete.waitMs(wanted.name, uid);
    if (!this.#toAsk.has(uid)) {
      this.#dependencies.preDelete.forget(uid);
      return undefined;
    }
    if (waitMs > 0) return waitMs;
    this.#queue.add(uid, wanted);
    this.#queue.start();
    return undefined;
  }

  /** @returns when it may be asked for again */
  async #delete(uid: string, wanted: Wanted): Promise<number> {
    const { kube, suspects, signal } = this.#dependencies;
    const { name } = wanted;
    try {
      await kube.deletePod(name, { uid, signal });
      log.debug("Pod deletion accepted", { machine: name });
    } catch (error) {
      const isGone = error instanceof KubeError && (error.kind === "notFound" || error.kind === "conflict");
      if (!isGone) throw error;
      // The watch will say so as well; if it has not by the next time, it will not: the pod may lack our labels.
      if (wanted.isGone) suspects.add(name);
      wanted.isGone = true;
    }
    return ASK_AGAIN_MS;
  }
}
