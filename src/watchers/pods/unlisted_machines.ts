import { Budget } from "../../budget.ts";
import { describeError } from "../../errors.ts";
import { isRequestId, machineName, parseMachineName } from "../../hf/names.ts";
import { KubeError } from "../../kube/errors.ts";
import type { Pod } from "../../kube/types.ts";
import { GatheringLog, logger } from "../../log.ts";
import { readFinishedNote } from "../../workdir/finished_note.ts";
import { readState } from "../../workdir/machines.ts";
import { isProcessed, readMachineEntry, readRequest } from "../../workdir/requests.ts";
import { isClusterTrouble } from "../work/limiter.ts";
import type { Dependencies } from "../dependencies.ts";

/** Requests that are looked through in one go before others get their turn. */
const SLICE = 200;

/** How long, in milliseconds, one call after the other is begun before others get their turn. */
const ASK_MS = 500;

/** How often, in milliseconds, a pod is asked for that no list and no watch shows; more rarely if there are many. */
const ASK_AGAIN_MS = 10_000;
const MS_PER_HIDDEN = 50;

const log = logger("pods");
const notAsked = new GatheringLog("pods", "Pods cannot be asked for", { of: "machines", isTriedAgain: true });

/** What the cluster says of a machine that was asked for by its name: its pod, or that there is none. */
export interface Answer {
  machine: string;
  pod: Pod | undefined;
  /** The pod as it was when it was suspected to be gone, if that was seen. */
  last?: Pod | undefined;
  /** A list has named it, which is in doubt. */
  isListed: boolean;
}

/**
 * Machines that are asked for by their names, as only that tells whether they are gone:
 *
 * - missing: it had a pod that is not listed any more
 * - unseen: it counts as created: after the LIST, or gone before anybody saw it, or forgotten by a power failure
 * - hidden: its pod is there, and is not shown; without our labels it is not, for example
 * - listed: it is in a list, which is not to be believed
 */
export class UnlistedMachines {
  readonly #dependencies: Dependencies;
  #missing = new Map<string, Pod | undefined>();
  #unseen = new Set<string>();
  readonly #listed = new Set<string>();
  /** When each of them is to be asked for again, on the monotonic clock. */
  readonly #hidden = new Map<string, number>();
  /** Still to be looked through for machines that have no state; absent while they are still to be listed. */
  #requests: string[] | undefined = [];

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  /** How many are left to be asked for: until then, the picture is not whole. */
  get size(): number {
    return this.#missing.size + this.#unseen.size + this.#listed.size;
  }

  /** How many of them are missing. */
  get missing(): number {
    return this.#missing.size;
  }

  /** True once every request has been looked through for machines to ask for; of one without a state nothing is told. */
  get isLookedThrough(): boolean {
    return this.#requests?.length === 0;
  }

  /** Begins again after a LIST. */
  begin({ missing, unseen }: { missing: Iterable<string>; unseen: Iterable<string> }): void {
    this.#missing = new Map(Array.from(missing, (machine) => [machine, this.#missing.get(machine)]));
    this.#unseen = new Set(unseen);
    for (const machine of this.#hidden.keys()) this.#missing.delete(machine);
    this.#requests = undefined;
  }

  /** Takes in machines that count as created, though no pod of theirs was seen. */
  expect(machines: Iterable<string>): void {
    for (const machine of machines) this.#unseen.add(machine);
  }

  /** Takes in machines whose pods are listed, and need not be there all the same. */
  confirm(machines: Iterable<string>): void {
    for (const machine of machines) this.#listed.add(machine);
  }

  /** Takes in that a machine may be gone, though that was not seen. @param last its pod as it is or was */
  suspect(machine: string, last?: Pod): void {
    this.#hidden.delete(machine);
    this.#missing.set(machine, last);
  }

  /** Takes in that a machine's pod is there, and that nothing but asking shows it. */
  hide(machine: string): void {
    const intervalMs = Math.max(ASK_AGAIN_MS, this.#hidden.size * MS_PER_HIDDEN);
    this.#hidden.set(machine, this.#dependencies.clock.monotonic() + intervalMs);
  }

  /** Takes in that a list or the watch shows a machine: what is asked for it now says nothing new. */
  saw(machine: string): void {
    this.#missing.delete(machine);
    this.#unseen.delete(machine);
    this.#listed.delete(machine);
    this.#hidden.delete(machine);
  }

  /** Looks through requests, for one slice. */
  async lookThrough(): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    const budget = new Budget(clock);
    const requests = this.#requests ??= workdir.directories(workdir.layout.requests).filter(isRequestId);
    for (let n = 0; n < SLICE && requests.length > 0; n++) await this.#lookThrough(requests.pop() ?? "", budget);
  }

  /**
   * Asks for machines, some at a time.
   * @returns what was answered, but for machines that were seen meanwhile
   * @throws KubeError if nothing could be asked now; those that are left are asked for with the next call
   */
  async ask(signal: AbortSignal): Promise<Answer[]> {
    const { kube, clock, concurrency } = this.#dependencies;
    const answers: Answer[] = [];
    const untilMs = clock.monotonic() + ASK_MS;
    for (let failure: unknown; failure === undefined && clock.monotonic() < untilMs && !signal.aborted;) {
      const some = this.#next(concurrency);
      if (some.length === 0) break;
      const given = await Promise.allSettled(some.map((machine) => this.#get(machine, signal)));
      try {
        // Another cluster would have none of them, or others of the same name.
        await kube.verify({ signal });
      } catch (error) {
        if (answers.length > 0) break;
        throw error;
      }
      for (const [i, machine] of some.entries()) {
        const one = given[i];
        if (one?.status === "rejected") failure = one.reason;
        else if (this.#has(machine) && one?.value) {
          const isListed = this.#listed.has(machine);
          answers.push({ ...one.value, last: this.#missing.get(machine), isListed });
        }
        if (one?.status === "fulfilled") this.saw(machine);
      }
      if (failure !== undefined && answers.length === 0) throw failure;
    }
    return answers;
  }

  /** Those that are to be asked for now. */
  #next(most: number): string[] {
    const next: string[] = [];
    for (const machine of this.#missing.keys()) if (next.push(machine) === most) return next;
    for (const machine of this.#unseen) {
      if (!this.#isCreatedUnseen(machine)) this.#unseen.delete(machine);
      else if (next.push(machine) === most) return next;
    }
    for (const machine of this.#listed) if (next.push(machine) === most) return next;
    const now = this.#dependencies.clock.monotonic();
    for (const [machine, dueMs] of this.#hidden) if (dueMs <= now && next.push(machine) === most) break;
    return next;
  }

  #has(machine: string): boolean {
    if (this.#unseen.has(machine) && !this.#isCreatedUnseen(machine)) return false;
    return [this.#missing, this.#unseen, this.#listed, this.#hidden].some((machines) => machines.has(machine));
  }

  async #lookThrough(requestId: string, budget: Budget): Promise<void> {
    const { workdir } = this.#dependencies;
    try {
      // All that is told of one that is finished was made to last: unless somebody empties a directory, one state shows that.
      const isFinished = readFinishedNote(workdir, workdir.layout.request(requestId)) !== undefined;
      if (isFinished && readState(workdir, machineName(requestId, 0)) !== undefined) return;
      for (const { name, pending } of readRequest(workdir, requestId)?.machines ?? []) {
        if (budget.isSpent) await budget.breathe();
        if (!pending && readState(workdir, name) === undefined) this.#unseen.add(name);
      }
    } catch (error) {
      log.debug("Request not looked through", { request: requestId, error: describeError(error) });
    }
  }

  /** Judged again right before the question: what was created after it was answered is not gone. */
  #isCreatedUnseen(name: string): boolean {
    const { workdir, returns } = this.#dependencies;
    const state = readState(workdir, name);
    if (state !== undefined && state !== "creating") return false;
    const entry = readMachineEntry(workdir, name);
    if (entry || returns.has(name)) return entry !== "pending";
    // One that was lost is made up for by creating the pod, until the whole request has been handled.
    return isProcessed(workdir, parseMachineName(name)?.requestId ?? "");
  }

  /** Nothing if the answer says nothing about this one. @throws KubeError if the cluster cannot be asked now */
  async #get(machine: string, signal: AbortSignal): Promise<Pick<Answer, "machine" | "pod"> | undefined> {
    try {
      return { machine, pod: await this.#dependencies.kube.getPod(machine, { signal }) };
    } catch (error) {
      if (error instanceof KubeError && error.kind === "notFound") return { machine, pod: undefined };
      if (!(error instanceof KubeError) || isClusterTrouble(error)) throw error;
      notAsked.failed(machine, error);
      return undefined;
    }
  }
}
