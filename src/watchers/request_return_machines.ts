import { describeError } from "../errors.ts";
import { parseMachineName } from "../hf/names.ts";
import type { StatusWord } from "../hf/status.ts";
import { logger } from "../log.ts";
import {
  type MachineRecord,
  type PodFacts,
  readMachineRecord,
  readPodFacts,
  readStatusWord,
} from "../workdir/machines.ts";
import { readMachineEntry } from "../workdir/requests.ts";
import {
  isReturnProcessed,
  markReturnProcessed,
  noteUnfinished,
  readReturn,
  type StoredReturn,
} from "../workdir/returns.ts";
import { Deletions } from "./deletions.ts";
import { Intake } from "./intake.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { type Found, PodFinder } from "./pod_finder.ts";
import { Setbacks } from "./setbacks.ts";
import { writeSightings } from "./sightings.ts";
import type { Watching } from "./watching.ts";

/** What the work directory says of a machine that Symphony has given back. */
export interface ReturnedMachine {
  word: StatusWord | undefined;
  pod: PodFacts | undefined;
  /** Its entry in its request: absent where we never issued it, or the request was lost. */
  entry: "pending" | "created" | undefined;
  /** What was noted of its end, where it has come to one. */
  record: Pick<MachineRecord, "uid"> | undefined;
}

/**
 * What is to be done about a machine that Symphony has given back.
 *
 * - `gone`: nothing any more
 * - `wait`: its pod is not created, and the requests' watcher will see to it that it never is
 * - `delete`: its pod exists as far as we know
 * - `find`: it was created, but its pod has not been seen yet, or its file was lost; or nothing is known of it
 */
export function decideReturn({ word, pod, entry, record }: ReturnedMachine): "gone" | "wait" | "delete" | "find" {
  if (pod) return "delete";
  if (word === "deleted") return "gone";
  if (entry === "pending") return "wait";
  // It failed without a pod; where nothing is noted, that may have been lost.
  return word === "failed" && record && record.uid === undefined ? "gone" : "find";
}

/** How often, in milliseconds, pods are looked for whose machines have been given back and counted as gone. */
const LATE_EVERY_MS = 10_000;

const log = logger("request-return-machines");

/** Deletes the pods of machines that Symphony gives back, until each has been seen gone. */
export class RequestReturnMachinesWatcher implements Loop {
  readonly name = "request-return-machines";
  readonly #watching: Watching;
  readonly #intake: Intake<StoredReturn>;
  readonly #deletions: Deletions;
  readonly #finder: PodFinder;
  /** Of return requests and of machines that could not be read or written down. */
  readonly #setbacks: Setbacks;
  /** For each return request the machines that are not gone yet, with the uid of the pod where it is known. */
  readonly #active = new Map<string, Map<string, string | undefined>>();
  /** The same for machines whose pods showed up after their return requests had been handled. */
  readonly #late = new Map<string, string | undefined>();
  #lateAtMs = 0;

  /** @param wake has to make `step` run again soon */
  constructor(watching: Watching, wake: () => void) {
    this.#watching = watching;
    this.#deletions = new Deletions(watching, { name: this.name, wake });
    const found = (machine: string, what: Found) => this.#found(machine, what);
    this.#finder = new PodFinder(watching, { name: this.name, found, wake });
    this.#setbacks = new Setbacks(watching, (name, error) => {
      log.warn("Cannot be read or written down yet", { name, error: describeError(error) });
    }, { by: this.name, pathOf: (name) => this.#pathOf(name) });
    this.#intake = new Intake(watching, {
      what: "return request",
      directory: watching.workdir.layout.returnRequests,
      // The existing plug-in marks it before its pods are gone: such a pod is found among those that are late.
      isProcessed: (id) => isReturnProcessed(watching.workdir, id),
      read: (id) => readReturn(watching.workdir, id),
      take: (stored) => this.#take(stored),
      setbacks: this.#setbacks,
      wake,
    });
  }

  async step(_signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock, returns } = this.#watching;
    returns.refresh(clock.now());
    await this.#intake.step();
    this.#takeLate();
    const toFind = new Set<string>();
    for (const [id, machines] of this.#active) {
      workdir.asOwner(() => this.#lookOver(machines, toFind));
      this.#finish(id, machines);
    }
    workdir.asOwner(() => this.#lookOver(this.#late, toFind));
    this.#finder.find(toFind);
    this.#deletions.start();
    return this.#next();
  }

  /** Resolves once no call is under way. */
  async drained(): Promise<void> {
    await Promise.all([this.#deletions.drained(), this.#finder.drained()]);
  }

  /** The entry of a return request, or the pod of a machine. */
  #pathOf(name: string): string {
    const { layout } = this.#watching.workdir;
    return this.#intake.has(name) || this.#active.has(name) ? layout.returnRequest(name) : layout.pod(name);
  }

  #take(stored: StoredReturn): void {
    const { id, machines } = stored;
    noteUnfinished(this.#watching.workdir, stored); // A crash, or the existing plug-in, may have left that out.
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
  #lookOver(machines: Map<string, string | undefined>, toFind: Set<string>): void {
    for (const [machine, uid] of machines) {
      if (this.#setbacks.waits(machine)) continue;
      try {
        if (uid !== undefined && this.#deletions.isUnderWay(uid) && this.#exists(machine)) continue;
        const todo = this.#look(machine, machines);
        if (todo === "gone") machines.delete(machine);
        else if (todo === "find") toFind.add(machine);
        this.#setbacks.clear(machine);
      } catch (error) {
        this.#setbacks.note(machine, error);
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
    const record = readMachineRecord(workdir, machine);
    const todo = decideReturn({ word: readStatusWord(workdir, machine), pod, entry, record });
    const before = machines.get(machine);
    if (before !== undefined && (todo === "gone" || (pod && pod.uid !== before))) this.#deletions.gone(before);
    if (pod) {
      machines.set(machine, pod.uid);
      this.#deletions.want(machine, pod);
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
      this.#deletions.want(machine, { uid: found.uid, deletionAt: undefined });
      return this.#deletions.start();
    }
    if (this.#isUnknown(machine)) return this.#strikeOff(machine);
    const error = writeSightings(this.#watching, [[machine, { gone: undefined }]]).get(machine);
    if (error !== undefined) this.#setbacks.note(machine, error);
  }

  /** True where the work directory has nothing of the machine but that it was given back. */
  #isUnknown(machine: string): boolean {
    const { workdir } = this.#watching;
    return readMachineEntry(workdir, machine) === undefined && readStatusWord(workdir, machine) === undefined;
  }

  #strikeOff(machine: string): void {
    for (const machines of [...this.#active.values(), this.#late]) machines.delete(machine);
  }

  #finish(id: string, machines: Map<string, string | undefined>): void {
    if (machines.size > 0 || this.#setbacks.waits(id)) return;
    const { workdir } = this.#watching;
    try {
      if (workdir.kind(workdir.layout.returnRequest(id)) === "directory") markReturnProcessed(workdir, id);
      this.#setbacks.clear(id);
      this.#active.delete(id);
      log.info("Return request handled", { request: id });
    } catch (error) {
      this.#setbacks.note(id, error);
    }
  }

  #next(): Outcome {
    const now = this.#watching.clock.monotonic();
    const times = [this.#deletions.nextMs ?? Infinity, this.#finder.nextMs, this.#setbacks.nextMs];
    const next = Math.min(...times.filter((ms) => ms > now));
    return Number.isFinite(next) ? { kind: "again", atMs: next } : { kind: "done" };
  }
}
