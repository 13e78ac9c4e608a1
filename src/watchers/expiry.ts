import { epochSeconds } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { StatusWord } from "../hf/status.ts";
import { KubeError } from "../kube/errors.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import {
  type MachineRecord,
  type PodFacts,
  readMachineRecord,
  readPodFacts,
  readStatusWord,
} from "../workdir/machines.ts";
import { Deletions } from "./deletions.ts";
import { type Ending, endMachines } from "./endings.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { pendingReason } from "./reason.ts";
import { Setbacks } from "./setbacks.ts";
import { isClusterTrouble, Slots } from "./slots.ts";
import type { Watching } from "./watching.ts";

/** How often, in milliseconds, pods are looked over. */
const LOOK_EVERY_MS = 5_000;

/** How long, in milliseconds, a pod that the cluster did not confirm as pending too long is left to the pods' watcher. */
const ASK_AGAIN_MS = 30_000;

/** What the work directory says of a machine that has a pod file. */
export interface AgingMachine {
  word: StatusWord | undefined;
  record: MachineRecord | undefined;
  pod: PodFacts;
  /** Symphony has given it back: its deletion is the return requests' watcher's. */
  returned: boolean;
}

/**
 * What is to be done about a machine, as far as the work directory knows, which may be behind.
 *
 * - `stays`: nothing
 * - `ask`: it seems to be pending too long: the cluster is to be asked
 * - `delete`: it has been given up on, and its pod has to go
 *
 * @param options `now` is the cluster's time, as all times here in seconds since the epoch; while it is not known, no pod
 * has an age
 */
export function decideExpiry(
  { word, record, pod, returned }: AgingMachine,
  options: { now: number | undefined; podTimeoutSeconds: number },
): "stays" | "ask" | "delete" {
  if (returned) return "stays";
  if (record?.givenUp) return "delete";
  const waiting = word === "pending" || word === "creating";
  return waiting && isTooOld(pod.createdAt, options) ? "ask" : "stays";
}

/** True where the cluster's own pod confirms it: the same one, pending still, and too old. */
export function isPendingTooLong(
  pod: Pod,
  options: { uid: string; now: number | undefined; podTimeoutSeconds: number },
): boolean {
  const { uid, creationTimestamp } = pod.metadata;
  if (uid !== options.uid || (pod.status?.phase ?? "Pending") !== "Pending") return false;
  return isTooOld(creationTimestamp === undefined ? undefined : Date.parse(creationTimestamp) / 1000, options);
}

/** What has no time of creation has no age. */
function isTooOld(
  createdAt: number | undefined,
  { now, podTimeoutSeconds }: { now: number | undefined; podTimeoutSeconds: number },
): boolean {
  return createdAt !== undefined && now !== undefined && now - createdAt > podTimeoutSeconds;
}

const log = logger("expiry");

/** Gives up on machines whose pods are pending too long, and deletes every pod that was given up on until it is gone. */
export class ExpiryWatcher implements Loop {
  readonly name = "expiry";
  readonly #watching: Watching;
  readonly #podTimeoutSeconds: number;
  readonly #dryRun: boolean;
  readonly #deletions: Deletions;
  readonly #slots: Slots;
  readonly #setbacks: Setbacks;
  /** By machine, when the cluster may be asked for it again, on the monotonic clock. */
  readonly #askAgainMs = new Map<string, number>();
  #isTroubled = false;

  /** @param options `dryRun` logs what would be done, and does nothing */
  constructor(watching: Watching, options: { podTimeoutSeconds: number; dryRun?: boolean; wake: () => void }) {
    this.#watching = watching;
    this.#podTimeoutSeconds = options.podTimeoutSeconds;
    this.#dryRun = options.dryRun ?? false;
    this.#deletions = new Deletions(watching, { name: this.name, wake: options.wake });
    this.#slots = new Slots(watching.concurrency, { ...watching, freed: () => {} });
    this.#setbacks = new Setbacks(watching, (machine, error) => {
      log.warn("Machine cannot be looked at or given up yet", { machine, error: describeError(error) });
    }, { by: this.name, pathOf: (machine) => watching.workdir.layout.pod(machine) });
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock, returns } = this.#watching;
    returns.refresh(clock.now());
    const machines = new Set(workdir.names(workdir.layout.pods));
    for (const name of this.#askAgainMs.keys()) if (!machines.has(name)) this.#askAgainMs.delete(name);
    this.#setbacks.retain((name) => machines.has(name));
    this.#deletions.retain((name) => machines.has(name));
    if (machines.size > 0) await this.#learnTime(signal);
    const toAsk = [...machines].filter((machine) => this.#look(machine) === "ask");
    this.#deletions.start();
    await this.#ask(toAsk, signal);
    this.#deletions.start();
    return { kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS };
  }

  /** Resolves once no delete is under way. */
  drained(): Promise<void> {
    return this.#deletions.drained();
  }

  #look(machine: string): ReturnType<typeof decideExpiry> {
    if (this.#setbacks.waits(machine)) return "stays";
    if (this.#watching.clock.monotonic() < (this.#askAgainMs.get(machine) ?? 0)) return "stays";
    try {
      const pod = readPodFacts(this.#watching.workdir, machine);
      const todo = pod ? this.#decide(machine, pod) : "stays";
      if (todo === "delete" && pod) this.#delete(machine, pod);
      this.#setbacks.clear(machine);
      return todo;
    } catch (error) {
      this.#setbacks.note(machine, error);
      return "stays";
    }
  }

  #decide(machine: string, pod: PodFacts): ReturnType<typeof decideExpiry> {
    const { workdir, returns } = this.#watching;
    const word = readStatusWord(workdir, machine);
    // Most pods run: they need no second look.
    if (word === "running" || word === "succeeded") return "stays";
    const state = { word, pod, record: readMachineRecord(workdir, machine), returned: returns.has(machine) };
    return decideExpiry(state, { now: this.#now(), podTimeoutSeconds: this.#podTimeoutSeconds });
  }

  /** The cluster's time, in seconds since the epoch. */
  #now(): number | undefined {
    const now = this.#watching.kube.now();
    return now === undefined ? undefined : epochSeconds(now);
  }

  /** A process that has not asked the cluster for anything yet does not know its time: any answer tells it. */
  async #learnTime(signal: AbortSignal): Promise<void> {
    const { kube } = this.#watching;
    if (kube.now() !== undefined || this.#slots.free === 0) return;
    try {
      await kube.listPods({ limit: 1, signal });
      this.#answered();
    } catch (error) {
      this.#unanswered(error);
    }
  }

  #delete(machine: string, pod: Pick<PodFacts, "uid" | "deletionAt">): void {
    if (!this.#dryRun) return this.#deletions.want(machine, pod);
    log.info("Would delete the pod", { machine });
    this.#askLater(machine);
  }

  /** Asks the cluster for as long as it answers; those that are left are found again by the next look. */
  async #ask(machines: string[], signal: AbortSignal): Promise<void> {
    const left = [...machines];
    while (left.length > 0 && this.#slots.free > 0 && !signal.aborted) {
      const endings: Ending[] = [];
      for (const machine of left.splice(0, this.#slots.free)) {
        this.#slots.start(async () => {
          const pod = await this.#get(machine, signal);
          const ending = pod && this.#endingOf(machine, pod);
          if (ending) endings.push(ending);
        });
      }
      await this.#slots.drained();
      if (!this.#dryRun) this.#giveUp(endings);
    }
  }

  /** The cluster's own pod, or nothing where there is none or nothing can be known now. */
  async #get(machine: string, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      const pod = await this.#watching.kube.getPod(machine, { signal });
      this.#answered();
      return pod;
    } catch (error) {
      this.#unanswered(error);
      if (isClusterTrouble(error) || signal.aborted) return undefined;
      if (error instanceof KubeError && error.kind === "notFound") this.#askLater(machine);
      else this.#setbacks.note(machine, error);
      return undefined;
    }
  }

  #answered(): void {
    this.#slots.succeeded();
    this.#isTroubled = false;
  }

  #unanswered(error: unknown): void {
    this.#slots.failed(error);
    if (!isClusterTrouble(error)) return;
    if (!this.#isTroubled) log.warn("Nothing is given up now: cannot ask", { error: describeError(error) });
    this.#isTroubled = true;
  }

  /** What is to be written of a machine that is pending too long; nothing where it is not, or things have moved on. */
  #endingOf(machine: string, pod: Pod): Ending | undefined {
    const { workdir } = this.#watching;
    const podTimeoutSeconds = this.#podTimeoutSeconds;
    try {
      const facts = readPodFacts(workdir, machine);
      const options = { uid: facts?.uid ?? "", now: this.#now(), podTimeoutSeconds };
      if (!facts || this.#decide(machine, facts) !== "ask" || !isPendingTooLong(pod, options)) {
        this.#askLater(machine);
        return undefined;
      }
      const message = `Not running after ${podTimeoutSeconds} s: ${pendingReason(pod)}`;
      if (this.#dryRun) {
        log.info("Would give up the machine and delete its pod", { machine, message });
        this.#askLater(machine);
      }
      const { uid, privateIpAddress, createdAt: launchtime } = facts;
      const given = { up: false, returned: false, givenUp: true, message };
      return { machine, word: "failed", record: { ...given, uid, privateIpAddress, launchtime } };
    } catch (error) {
      this.#setbacks.note(machine, error);
      return undefined;
    }
  }

  /** First why and that it is over, made to last, and only then the deletion. */
  #giveUp(endings: Ending[]): void {
    const failed = endMachines(this.#watching.workdir, endings);
    for (const ending of endings) {
      const { machine, record: { uid, message } } = ending;
      if (failed.has(ending)) {
        this.#setbacks.note(machine, failed.get(ending));
        continue;
      }
      this.#setbacks.clear(machine);
      log.warn("Machine given up", { machine, message });
      if (uid !== undefined) this.#deletions.want(machine, { uid, deletionAt: undefined });
    }
  }

  #askLater(machine: string): void {
    this.#askAgainMs.set(machine, this.#watching.clock.monotonic() + ASK_AGAIN_MS);
  }
}
