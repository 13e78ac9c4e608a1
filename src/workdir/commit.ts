import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import { isNotFound } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import { type MachineState, machineStatus } from "../hf/status.ts";
import { logger } from "../log.ts";
import { inParallel } from "./store/in_parallel.ts";
import { isFailure, type News, newsOfState } from "../events/news.ts";
import type { EventSink, NewEvent } from "../events/types.ts";
import { FailureLog } from "./failure_log.ts";
import { addGone } from "./index/gone_machines.ts";
import { readState, writeLastingTombstone, writeTombstone } from "./machines.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import { readMachineEntry, settleMachine, syncRequest } from "./requests.ts";
import type { Workdir } from "./store/workdir.ts";

/** What is to be written of one machine. What is absent stays as it is. */
export interface Change {
  /** What the machine is called from now on; one that was seen gone stays `deleted`, unless it is revived. */
  state?: MachineState;
  /** It is not gone, as its pod was seen again. */
  isRevived?: boolean;
  /** How it came to its end; `none`: it has not, and what was noted is removed. */
  tombstone?: Tombstone | "none" | undefined;
  /** Symphony could be told otherwise, should a power failure take the state or the tombstone: both are made to last. */
  lasts: boolean;
  /** No pod is to be created for it any more. */
  settles?: boolean;
  /** Makes the text of its pod file; or its pod is gone, and the file with it. */
  pod?: (() => string) | "gone";
  /** Tells, at the moment of writing, whether it is gone without Symphony having given it back. */
  isLost?: () => boolean;
  /** What has happened to it, beyond what its new state says. */
  news?: readonly News[];
}

/** Decides what is to be written of a machine, by what the work directory says at that moment; `undefined` if all stays. */
export type Decide = () => Change | undefined;

const log = logger("commit");

/**
 * Writes the changes of several machines, in an order of which neither a crash nor a power failure at any moment leaves
 * anything that contradicts what Symphony was told. Each commit waits for its turn (see `Workdir.inTurn`), and everything
 * is decided in that turn: what the caller knew before may be out of date. One machine's trouble holds up no other, and
 * each change may be repeated.
 * @param context `events` is told what happened, right before it can be seen: after a crash rather twice than never
 * @param changes by machine; as each commit holds up all others, not many hundreds
 * @returns what went wrong, by machine
 */
export function commit(
  { workdir, clock, events }: { workdir: Workdir; clock: Clock; events?: EventSink | undefined },
  changes: Iterable<[machine: string, decide: Decide]>,
): Promise<Map<string, unknown>> {
  return workdir.inTurn(() => new Commit(workdir, { budget: new Budget(clock), events }).write(changes));
}

class Commit {
  readonly #workdir: Workdir;
  readonly #budget: Budget;
  readonly #events: EventSink | undefined;
  /** By machine, what is to be written, as far as nothing went wrong with it. */
  readonly #changes = new Map<string, Change>();
  readonly #failed = new Map<string, unknown>();
  readonly #failures: FailureLog;
  /** The pod file of the last machine that went, hidden: it becomes the next tombstone. */
  #spare: string | undefined;

  constructor(workdir: Workdir, { budget, events }: { budget: Budget; events: EventSink | undefined }) {
    this.#workdir = workdir;
    this.#failures = new FailureLog(workdir);
    this.#budget = budget;
    this.#events = events;
  }

  async write(changes: Iterable<[machine: string, decide: Decide]>): Promise<Map<string, unknown>> {
    const { layout } = this.#workdir;
    await this.#each(changes, (machine, decide) => {
      const change = decide();
      if (change) this.#changes.set(machine, change);
    });
    // 1. How machines ended, before they are called ended: a machine whose tombstone is lost reads as one that was up and
    // returned.
    await inParallel(this.#lasting(), (machine) => this.#writeLastingTombstone(machine));
    await this.#sync(layout.machines, this.#lasting());
    // 2. That they were created, or are never to be: what Symphony is told of an end must not be undone by a power failure
    // that forgets this.
    await this.#each(this.#changes, (machine, { settles }) => {
      if (settles && readMachineEntry(this.#workdir, machine) === "pending") this.#settle(machine);
    });
    await inParallel(this.#requestsOfEnded(), ([id, machines]) => this.#syncRequest(id, machines));
    await this.#tellEvents();
    // 3. What can be seen of each; and that it lasts, before anybody goes by it that Symphony has been told.
    await this.#each(this.#changes, (machine, change) => this.#writeVisible(machine, change));
    this.#dropSpare();
    await this.#sync(layout.podsStatus, this.#lasting());
    return this.#failed;
  }

  /** Acts for each machine that nothing went wrong with. */
  async #each<T>(all: Iterable<[string, T]>, act: (machine: string, one: T) => void): Promise<void> {
    for (const [machine, one] of all) {
      if (this.#budget.isSpent) await this.#budget.breathe();
      try {
        act(machine, one);
      } catch (error) {
        this.#fail(machine, error);
      }
    }
  }

  #fail(machine: string, error: unknown): void {
    this.#failed.set(machine, error);
    this.#changes.delete(machine);
  }

  #lasting(): string[] {
    return [...this.#changes].filter(([, { lasts }]) => lasts).map(([machine]) => machine);
  }

  async #writeLastingTombstone(machine: string): Promise<void> {
    const tombstone = this.#changes.get(machine)?.tombstone;
    try {
      if (tombstone && tombstone !== "none") {
        await this.#waitFor(writeLastingTombstone(this.#workdir, machine, tombstone));
      }
    } catch (error) {
      this.#fail(machine, error);
    }
  }

  async #tellEvents(): Promise<void> {
    if (!this.#events) return;
    const events: NewEvent<"pod">[] = [];
    await this.#each(this.#changes, (machine, change) => {
      const before = readState(this.#workdir, machine);
      const isSettled = before === "deleted" && !change.isRevived;
      const news = [...change.news ?? [], ...isSettled ? [] : newsOfState(before, change)];
      for (const { pairs, at } of news) events.push({ category: "pod", id: machine, pairs, at });
    });
    this.#events.record(events);
  }

  #settle(machine: string): void {
    settleMachine(this.#workdir, parseMachineName(machine)?.requestId ?? "", machine);
  }

  /** By request, the machines that are called ended. */
  #requestsOfEnded(): Map<string, string[]> {
    const requests = new Map<string, string[]>();
    for (const [machine, { state }] of this.#changes) {
      const requestId = parseMachineName(machine)?.requestId;
      if (requestId === undefined || state === undefined || machineStatus(state) !== "terminated") continue;
      const machines = requests.get(requestId) ?? [];
      requests.set(requestId, machines);
      machines.push(machine);
    }
    return requests;
  }

  async #syncRequest(id: string, machines: string[]): Promise<void> {
    try {
      if (this.#workdir.kind(this.#workdir.layout.request(id)) !== "directory") return;
      await this.#waitFor(syncRequest(this.#workdir, id));
    } catch (error) {
      // What somebody has taken away needs not last.
      if (!isNotFound(error)) { for (const machine of machines) this.#fail(machine, error); }
    }
  }

  /** Syncs a directory for the sake of these machines: what stands in the way of that stands in theirs. */
  async #sync(directory: string, machines: string[]): Promise<void> {
    if (machines.length === 0) return;
    try {
      await this.#waitFor(this.#workdir.files.sync(directory));
    } catch (error) {
      for (const machine of machines) this.#fail(machine, error);
    }
  }

  async #waitFor(sync: Promise<void>): Promise<void> {
    try {
      await sync;
    } finally {
      this.#budget.begin();
    }
  }

  /**
   * A pod before its state, so that a process that reads the state finds the pod; a tombstone before the state that it explains, and
   * before the file of another pod, which tells nothing of the machine's own any more.
   */
  #writeVisible(machine: string, { state, isRevived = false, tombstone, lasts, pod, isLost }: Change): void {
    const workdir = this.#workdir;
    const path = workdir.layout.pod(machine);
    if (tombstone && tombstone !== "none" && !lasts) {
      const spare = this.#spare;
      this.#spare = undefined;
      writeTombstone(workdir, machine, tombstone, { spare });
    }
    if (pod !== undefined && pod !== "gone") workdir.write(path, pod());
    const before = readState(workdir, machine);
    if (state !== undefined && before !== state && (before !== "deleted" || isRevived)) {
      workdir.link(state, workdir.layout.podStatus(machine));
      const message = tombstone === "none" ? undefined : tombstone?.message;
      log.debug("Machine changed", { machine, from: before, to: state, message });
      if (isFailure(state, tombstone)) this.#failures.note(machine, message ?? state);
    }
    // Only now: a machine without a tombstone that is called gone reads as given back.
    if (tombstone === "none") workdir.remove(workdir.layout.machine(machine));
    if (isRevived) {
      log.warn("Machine revived: it counted as gone, and its pod is there", { machine });
      workdir.remove(workdir.layout.lostMachine(machine));
    }
    if (isLost?.()) addGone(workdir, machine);
    if (pod !== "gone") return;
    // As long as its pod file is there, it is found by that.
    this.#dropSpare();
    this.#spare = workdir.retire(path);
  }

  #dropSpare(): void {
    try {
      if (this.#spare !== undefined) this.#workdir.remove(this.#spare);
    } catch (error) {
      log.warn("Temporary file left behind: it is removed later", { path: this.#spare, error: describeError(error) });
    }
    this.#spare = undefined;
  }
}
