import { Budget } from "../budget.ts";
import { describeError } from "../errors.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import { KubeError } from "../kube/errors.ts";
import { logger } from "../log.ts";
import { readEnd } from "../workdir/end.ts";
import { readStatusWord } from "../workdir/machines.ts";
import { isProcessed, readMachineEntry, readRequest } from "../workdir/requests.ts";
import { findOurs } from "./ownership.ts";
import { isClusterTrouble } from "./slots.ts";
import type { Watching } from "./watching.ts";

/** Requests that are looked through in one go before others get their turn. */
const SLICE = 200;

/** How long, in milliseconds, one call after the other is begun before others get their turn. */
const ASK_MS = 500;

const log = logger("pods");

/**
 * Machines that count as created and that no LIST named: created after it, gone before anybody saw them, or forgotten by a
 * power failure that took their words. Each is asked for by itself.
 */
export class UnseenMachines {
  readonly #watching: Watching;
  /** To be asked for. */
  #machines = new Set<string>();
  /** Still to be looked through for machines that have no word; absent while they are still to be listed. */
  #requests: string[] | undefined = [];

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  /** How many are left to be asked for. */
  get size(): number {
    return this.#machines.size;
  }

  /** True once every request has been looked through for machines to ask for; of one without a word nothing is told. */
  get isLookedThrough(): boolean {
    return this.#requests?.length === 0;
  }

  /** Begins anew after a LIST. @param unseen machines that count as created and that the LIST did not name */
  begin(unseen: string[]): void {
    this.#machines = new Set(unseen);
    this.#requests = undefined;
  }

  /** Looks through requests, for one slice. */
  async lookThrough(): Promise<void> {
    const { workdir, clock } = this.#watching;
    const budget = new Budget(clock);
    const requests = this.#requests ??= workdir.directories(workdir.layout.requests).filter(isRequestId);
    for (let n = 0; n < SLICE && requests.length > 0; n++) await this.#lookThrough(requests.pop() ?? "", budget);
  }

  /**
   * Asks for machines, some at a time.
   * @returns machines whose pod is gone: it was created before we asked, and the server does not know it
   * @throws KubeError where the cluster cannot be asked now; those that are left are asked for with the next call
   */
  async gone(signal: AbortSignal): Promise<string[]> {
    const { clock } = this.#watching;
    const gone: string[] = [];
    const untilMs = clock.monotonic() + ASK_MS;
    while (this.#machines.size > 0 && gone.length === 0 && clock.monotonic() < untilMs && !signal.aborted) {
      const some = [...this.#machines].slice(0, this.#watching.concurrency);
      const asked = some.filter((name) => this.#isCreatedUnseen(name));
      const answers = await Promise.allSettled(asked.map((name) => this.#isGone(name, signal)));
      for (const name of some) this.#machines.delete(name);
      for (const [i, name] of asked.entries()) {
        const answer = answers[i];
        if (answer?.status === "rejected") this.#machines.add(name);
        else if (answer?.value) gone.push(name);
      }
      const failure = answers.find((answer) => answer.status === "rejected");
      if (failure && gone.length === 0) throw failure.reason;
    }
    return gone;
  }

  async #lookThrough(requestId: string, budget: Budget): Promise<void> {
    const { workdir } = this.#watching;
    try {
      // All that is told of one that has ended was made to last.
      if (readEnd(workdir, workdir.layout.request(requestId))) return;
      for (const { name, pending } of readRequest(workdir, requestId)?.machines ?? []) {
        if (budget.isSpent) await budget.breathe();
        if (!pending && readStatusWord(workdir, name) === undefined) this.#machines.add(name);
      }
    } catch (error) {
      log.debug("Request not looked through", { request: requestId, error: describeError(error) });
    }
  }

  /** Judged anew right before the question: what was created after it was answered is not gone. */
  #isCreatedUnseen(name: string): boolean {
    const { workdir } = this.#watching;
    const word = readStatusWord(workdir, name);
    if (word !== undefined && word !== "creating") return false;
    const entry = readMachineEntry(workdir, name);
    // One that was lost is made up for by creating the pod, until the whole request has been handled.
    return entry === "created" || (!entry && isProcessed(workdir, parseMachineName(name)?.requestId ?? ""));
  }

  async #isGone(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      return await findOurs(this.#watching, name, { signal }) === undefined;
    } catch (error) {
      if (!(error instanceof KubeError) || isClusterTrouble(error)) throw error;
      log.warn("Cannot ask for a pod", { machine: name, error: describeError(error) });
      return false;
    }
  }
}
