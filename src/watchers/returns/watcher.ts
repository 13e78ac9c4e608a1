import { Budget } from "../../budget.ts";
import { describeError } from "../../errors.ts";
import { parseMachineName } from "../../hf/names.ts";
import type { MachineState } from "../../hf/status.ts";
import { logger } from "../../log.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import type { PodFacts } from "../../machine/pod_facts.ts";
import { readPodFacts, readState, readTombstone } from "../../workdir/machines.ts";
import type { Tombstone } from "../../machine/tombstone.ts";
import { readMachineEntry } from "../../workdir/requests.ts";
import {
  isReturnProcessed,
  markReturnProcessed,
  noteUnfinished,
  readReturn,
  type StoredReturn,
} from "../../workdir/returns.ts";
import { PodDeleter } from "../work/pod_deleter.ts";
import { Inbox } from "../work/inbox.ts";
import type { Loop, Outcome } from "../loop.ts";
import { type Found, PodLookup } from "./pod_lookup.ts";
import { Retries } from "../work/retries.ts";
import { changeOfObservation } from "../pods/observations.ts";
import type { Watching } from "../dependencies.ts";

/** What the work directory says of a machine that Symphony has given back. */
export interface ReturnedMachine {
  state: MachineState | undefined;
  pod: PodFacts | undefined;
  /** Its entry in its request: absent where we never issued it, or the request was lost. */
  entry: "pending" | "created" | undefined;
  /** What was noted of its end, where it has come to one. */
  tombstone: Pick<Tombstone, "uid"> | undefined;
}

/**
 * What is to be done about a machine that Symphony has given back.
 *
 * - `gone`: nothing any more
 * - `wait`: its pod is not created, and the requests' watcher will see to it that it never is
 * - `delete`: its pod exists as far as we know
 * - `find`: it was created, but its pod has not been seen yet, or its file was lost; or nothing is known of it
 */
export function decideReturn({ state, pod, entry, tombstone }: ReturnedMachine): "gone" | "wait" | "delete" | "find" {
  if (pod) return "delete";
  if (state === "deleted") return "gone";
  if (entry === "pending") return "wait";
  // It failed without a pod; where nothing is noted, that may have been lost.
  return state === "failed" && tombstone && tombstone.uid === undefined ? "gone" : "find";
}

/** How often, in milliseconds, pods are looked for whose machines have been given back and counted as gone. */
const LATE_EVERY_MS = 10_000;

/** Machines that are written down as gone in one go: meanwhile no new return request is taken up. */
const MOST_GONE = 500;

const log = logger("request-return-machines");

/** Deletes the pods of machines that Symphony gives back, until each has been seen gone. */
export class RequestReturnMachinesWatcher implements Loop {
  readonly name = "request-return-machines";
  readonly #watching: Watching;
  readonly #inbox: Inbox<StoredReturn>;
  readonly #podDeleter: PodDeleter;
  readonly #lookup: PodLookup;
  /** Of return requests and of machines that could not be read or written down. */
  readonly #retries: Retries;
  /** For each return request the machines that are not gone yet, with the uid of the pod where it is known. */
  readonly #active = new Map<string, Map<string, string | undefined>>();
  /** The same for machines whose pods showed up after their return requests had been handled. */
  readonly #late = new Map<string, string | undefined>();
  #lateAtMs = 0;
  /** Machines that the cluster has no pod of, which is not written down yet. */
  readonly #gone = new Set<string>();
  readonly #wake: () => void;

  /** @param wake has to make `step` run again soon */
  constructor(watching: Watching, wake: () => void) {
    this.#watching = watching;
    this.#wake = wake;
    this.#podDeleter = new PodDeleter(watching, { name: this.name, wake });
    const found = (machine: string, what: Found) => this.#found(machine, what);
    this.#lookup = new PodLookup(watching, { name: this.name, found, wake });
    this.#retries = new Retries(watching, (name, error) => {
      log.warn("Cannot be read or written down yet", { name, error: describeError(error) });
    }, { by: this.name, pathOf: (name) => this.#pathOf(name) });
    this.#inbox = new Inbox(watching, {
      what: "return request",
      directory: watching.workdir.layout.returnRequests,
      // The existing plug-in marks it before its pods are gone: such a pod is found among those that are late.
      isProcessed: (id) => isReturnProcessed(watching.workdir, id),
      read: (id) => readReturn(watching.workdir, id),
      take: (stored) => this.#take(stored),
      retries: this.#retries,
      wake,
    });
  }

  async step(_signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#watching;
    returns.refresh(clock.now());
    await this.#inbox.step();
    await this.#writeGone();
    this.#takeLate();
    const toFind = new Set<string>();
    const budget = new Budget(clock);
    for (const machines of [...this.#active.values(), this.#late]) await this.#lookOver(machines, { toFind, budget });
    await inParallel([...this.#active.keys()], (id) => this.#finish(id));
    this.#lookup.find(toFind);
    this.#podDeleter.start();
    return this.#next();
  }

  /** Resolves once no call is under way, and what came of them is written down. */
  async drained(): Promise<void> {
    await Promise.all([this.#podDeleter.drained(), this.#lookup.drained()]);
    await this.#writeGone();
  }

  /** The entry of a return request, or the pod of a machine. */
  #pathOf(name: string): string {
    const { layout } = this.#watching.workdir;
    return this.#inbox.has(name) || this.#active.has(name) ? layout.returnRequest(name) : layout.pod(name);
  }

  async #take(stored: StoredReturn): Promise<void> {
    const { id, machines } = stored;
    const { workdir, clock } = this.#watching;
    // A crash, or the existing plug-in, may have left that out.
    await noteUnfinished(workdir, stored, { budget: new Budget(clock) });
    this.#active.set(id, new Map(machines.map((machine) => [machine, undefined])));
    log.info("Return request taken up", { request: id, machines: machines.length });
  }

  /**
   * A pod can show up after its machine counted as gone: a crash came between its creation and the note of that, and then
   * the machine was given back as one that was never created.
   */
  #takeLate(): void {
    const { workdir, clock, returns } = this.#watching;
    if (clock.monotonic() < this.#lateAtMs) return;
    this.#lateAtMs = clock.monotonic() + LATE_EVERY_MS;
    const returned = workdir.names(workdir.layout.pods)
      .filter((machine) => returns.has(machine) && parseMachineName(machine));
    if (returned.length === 0) return;
    const known = new Set([...this.#active.values()].flatMap((machines) => [...machines.keys()]));
    for (const machine of returned) {
      if (!known.has(machine) && !this.#late.has(machine)) this.#late.set(machine, undefined);
    }
  }

  /** Does for each what is to be done, and strikes off the list who is gone; one that is broken holds up no other. */
  async #lookOver(
    machines: Map<string, string | undefined>,
    { toFind, budget }: { toFind: Set<string>; budget: Budget },
  ): Promise<void> {
    for (const [machine, uid] of machines) {
      if (budget.isSpent) {
        this.#podDeleter.start();
        await budget.breathe();
      }
      if (this.#retries.waits(machine)) continue;
      try {
        if (uid !== undefined && this.#podDeleter.isUnderWay(uid) && this.#exists(machine)) continue;
        const todo = this.#look(machine, machines);
        if (todo === "gone") machines.delete(machine);
        else if (todo === "find") toFind.add(machine);
        this.#retries.clear(machine);
      } catch (error) {
        this.#retries.note(machine, error);
      }
    }
  }

  /** True while the machine's pod has not been seen gone. */
  #exists(machine: string): boolean {
    const { workdir } = this.#watching;
    return workdir.kind(workdir.layout.pod(machine)) !== undefined;
  }

  #look(machine: string, machines: Map<string, string | undefined>): ReturnType<typeof decideReturn> {
    const { workdir } = this.#watching;
    const pod = readPodFacts(workdir, machine);
    const entry = readMachineEntry(workdir, machine);
    const tombstone = readTombstone(workdir, machine);
    const todo = decideReturn({ state: readState(workdir, machine), pod, entry, tombstone });
    const before = machines.get(machine);
    if (before !== undefined && (todo === "gone" || (pod && pod.uid !== before))) this.#podDeleter.gone(before);
    if (pod) {
      machines.set(machine, pod.uid);
      this.#podDeleter.want(machine, pod);
    }
    return todo;
  }

  /**
   * What the cluster says of a machine that counted as created before it was asked: its pod is deleted, or was gone already,
   * which is written down here, too, for the watch may never have shown it.
   */
  #found(machine: string, found: Found): void {
    if (found !== "gone") {
      for (const machines of [...this.#active.values(), this.#late]) {
        if (machines.has(machine)) machines.set(machine, found.uid);
      }
      this.#podDeleter.want(machine, { uid: found.uid, deletionAt: undefined });
      return this.#podDeleter.start();
    }
    if (this.#isUnknown(machine)) return this.#strikeOff(machine);
    this.#gone.add(machine);
    this.#wake();
  }

  /** Writes down, many in one go, who is gone. */
  async #writeGone(): Promise<void> {
    const gone = [...this.#gone].slice(0, MOST_GONE);
    if (gone.length === 0) return;
    for (const machine of gone) this.#gone.delete(machine);
    if (this.#gone.size > 0) this.#wake();
    const failed = await commit(this.#watching, gone.map((machine) => [machine, () => this.#changeOfGone(machine)]));
    for (const [machine, error] of failed) this.#retries.note(machine, error);
  }

  /** Nothing where its pod has shown up since the cluster was asked: the watch goes on to tell. */
  #changeOfGone(machine: string): Change | undefined {
    return this.#exists(machine) ? undefined : changeOfObservation(this.#watching, machine, { gone: undefined });
  }

  /** True where the work directory has nothing of the machine but that it was given back. */
  #isUnknown(machine: string): boolean {
    const { workdir } = this.#watching;
    return readMachineEntry(workdir, machine) === undefined && readState(workdir, machine) === undefined;
  }

  #strikeOff(machine: string): void {
    for (const machines of [...this.#active.values(), this.#late]) machines.delete(machine);
  }

  async #finish(id: string): Promise<void> {
    if (this.#active.get(id)?.size !== 0 || this.#retries.waits(id)) return;
    const { workdir } = this.#watching;
    try {
      if (workdir.kind(workdir.layout.returnRequest(id)) === "directory") await markReturnProcessed(workdir, id);
      this.#retries.clear(id);
      this.#active.delete(id);
      log.info("Return request handled", { request: id });
    } catch (error) {
      this.#retries.note(id, error);
    }
  }

  #next(): Outcome {
    const now = this.#watching.clock.monotonic();
    const times = [this.#podDeleter.nextMs ?? Infinity, this.#lookup.nextMs, this.#retries.nextMs];
    const next = Math.min(...times.filter((ms) => ms > now));
    return Number.isFinite(next) ? { kind: "again", atMs: next } : { kind: "done" };
  }
}
