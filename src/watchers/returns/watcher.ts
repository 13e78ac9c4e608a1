import { Budget } from "../../budget.ts";
import { parseMachineName } from "../../hf/names.ts";
import { GatheringLog, logger } from "../../log.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import { readState } from "../../workdir/machines.ts";
import { readMachineEntry } from "../../workdir/requests.ts";
import {
  isReturnProcessed,
  markReturnProcessed,
  noteUnfinished,
  readReturn,
  type StoredReturn,
} from "../../workdir/returns.ts";
import { readMachine } from "../../workdir/snapshot.ts";
import { decideReturn } from "./decide.ts";
import { PodDeleter } from "../work/pod_deleter.ts";
import { Inbox } from "../work/inbox.ts";
import { type Backlog, type Loop, type Outcome, sumOf } from "../loop.ts";
import { type Found, PodLookup } from "./pod_lookup.ts";
import { ReturningMachines } from "./returning_machines.ts";
import { Retries } from "../work/retries.ts";
import { changeOfObservation } from "../pods/observations.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, pods are looked for whose machines have been given back and counted as gone. */
const LATE_EVERY_MS = 10_000;

/**
 * After a look at every machine that is to go, none of that kind begins for this many times as long as it took: what changes
 * meanwhile is told of, and looked at by itself.
 */
const REST_PER_ROUND = 50;

/** The longest such rest, in milliseconds. */
const LONGEST_REST_MS = 10_000;

/** Machines that are written down as gone in one go: meanwhile no new return request is taken up. */
const MOST_GONE = 500;

const log = logger("request-return-machines");
const unreadable = new GatheringLog("request-return-machines", "Cannot be read or written down yet", { of: "entries" });

/** Deletes the pods of machines that Symphony gives back, until each has been seen gone. */
export class RequestReturnMachinesWatcher implements Loop {
  readonly name = "request-return-machines";
  readonly #dependencies: Dependencies;
  readonly #inbox: Inbox<StoredReturn>;
  readonly #podDeleter: PodDeleter;
  readonly #lookup: PodLookup;
  /** Of return requests and of machines that could not be read or written down. */
  readonly #retries: Retries;
  readonly #machines = new ReturningMachines();
  /** Of these, the ones to be looked at now. */
  #toLook = new Set<string>();
  /** Of these, the ones whose pods only the cluster can tell of. */
  readonly #toFind = new Set<string>();
  /** When all of them are to be looked at, on the monotonic clock. */
  #roundAtMs = -Infinity;
  #lateAtMs = 0;
  /** Of the pods and of the returns among which late ones were looked for. */
  #lateRevisions = "";
  /** Machines that the cluster has no pod of, which is not written down yet. */
  readonly #gone = new Set<string>();
  readonly #wake: () => void;

  /** @param wake has to make `step` run again soon */
  constructor(dependencies: Dependencies, wake: () => void) {
    this.#dependencies = dependencies;
    this.#wake = wake;
    this.#podDeleter = new PodDeleter(dependencies, { wake });
    const found = (machine: string, what: Found) => this.#found(machine, what);
    this.#lookup = new PodLookup(dependencies, { found, wake });
    this.#retries = new Retries(dependencies, unreadable, { by: this.name, pathOf: (name) => this.#pathOf(name) });
    this.#inbox = new Inbox(dependencies, {
      what: "return request",
      directory: dependencies.workdir.layout.returnRequests,
      // The legacy plug-in marks it before its pods are gone: such a pod is found among those that are late.
      isProcessed: (id) => isReturnProcessed(dependencies.workdir, id),
      read: (id) => readReturn(dependencies.workdir, id),
      take: (stored) => this.#take(stored),
      retries: this.#retries,
      wake,
    });
  }

  /** Pods to be deleted or asked for, and what cannot be read or written down. */
  readonly backlog = (): Backlog => sumOf([this.#podDeleter.backlog, this.#lookup.backlog, this.#retries.backlog]);

  async step(_signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#dependencies;
    returns.refresh(clock.now());
    await this.#inbox.step();
    await this.#writeGone();
    this.#takeLate();
    // A wake-up that names no machine, such as that of a changed directory, may be about any: the next round looks at all.
    const roundAtMs = this.#toLook.size === 0 && this.#machines.size > 0 ? this.#roundAtMs : Infinity;
    if (clock.monotonic() >= this.#roundAtMs) await this.#lookAtAll();
    else await this.#lookOver(this.#takeToLook());
    await inParallel([...this.#machines.finished], (id) => this.#finish(id));
    this.#lookup.find(this.#toFind);
    this.#podDeleter.start();
    return this.#next(roundAtMs);
  }

  /** Has these machines looked at by the next step, as far as they are to go: something was written down of them. */
  changed(machines: Iterable<string>): void {
    for (const machine of machines) if (this.#machines.has(machine)) this.#toLook.add(machine);
  }

  /** Resolves once no call is under way, and what came of them is written down. */
  async drained(): Promise<void> {
    await Promise.all([this.#podDeleter.drained(), this.#lookup.drained()]);
    await this.#writeGone();
  }

  /** The entry of a return request, or the pod of a machine. */
  #pathOf(name: string): string {
    const { layout } = this.#dependencies.workdir;
    return this.#inbox.has(name) || this.#machines.hasRequest(name) ? layout.returnRequest(name) : layout.pod(name);
  }

  async #take(stored: StoredReturn): Promise<void> {
    const { id, machines } = stored;
    const { workdir, clock } = this.#dependencies;
    // A crash, or the legacy plug-in, may have left that out.
    await noteUnfinished(workdir, stored, { budget: new Budget(clock) });
    this.#machines.addRequest(id, machines);
    this.changed(machines);
    log.info("Return request taken up", { request: id, machines: machines.length });
  }

  /**
   * A pod can show up after its machine counted as gone: a crash came between its creation and the note of that, and then
   * the machine was given back as one that was never created.
   */
  #takeLate(): void {
    const { clock, returns, podNames } = this.#dependencies;
    if (clock.monotonic() < this.#lateAtMs) return;
    this.#lateAtMs = clock.monotonic() + LATE_EVERY_MS;
    podNames.refresh(clock.now());
    const revisions = `${podNames.revision} ${returns.revision}`;
    if (revisions === this.#lateRevisions) return;
    this.#lateRevisions = revisions;
    const isLate = (machine: string) =>
      returns.has(machine) && !this.#machines.has(machine) && parseMachineName(machine);
    const late = [...podNames.all].filter(isLate);
    for (const machine of late) this.#machines.add(machine);
    this.changed(late);
  }

  /** Nothing that was not told of is missed for long. */
  async #lookAtAll(): Promise<void> {
    const { clock } = this.#dependencies;
    const beganMs = clock.monotonic();
    this.#takeToLook();
    await this.#lookOver([...this.#machines.names]);
    const tookMs = clock.monotonic() - beganMs;
    this.#roundAtMs = clock.monotonic() + Math.min(REST_PER_ROUND * tookMs, LONGEST_REST_MS);
  }

  #takeToLook(): Set<string> {
    const machines = this.#toLook;
    this.#toLook = new Set();
    return machines;
  }

  /** Does for each what is to be done, and strikes off who is gone; one that is broken holds up no other. */
  async #lookOver(machines: Iterable<string>): Promise<void> {
    const budget = new Budget(this.#dependencies.clock);
    for (const machine of machines) {
      if (budget.isSpent) {
        this.#podDeleter.start();
        await budget.breathe();
      }
      if (!this.#machines.has(machine) || this.#retries.waits(machine)) continue;
      this.#toFind.delete(machine);
      try {
        const uid = this.#machines.uidOf(machine);
        const hasPodFile = uid === undefined || this.#exists(machine);
        if (uid !== undefined && hasPodFile && this.#podDeleter.isUnderWay(uid)) continue;
        const todo = this.#look(machine, { hasPodFile });
        if (todo === "find") this.#toFind.add(machine);
        else if (todo === "gone") this.#machines.remove(machine);
        this.#retries.clear(machine);
      } catch (error) {
        this.#retries.note(machine, error);
      }
    }
  }

  /** True while the machine's pod has not been seen gone. */
  #exists(machine: string): boolean {
    const { workdir } = this.#dependencies;
    return workdir.kind(workdir.layout.pod(machine)) !== undefined;
  }

  /** @param hasPodFile to look for what is not there is dear, so it is done once */
  #look(machine: string, { hasPodFile }: { hasPodFile: boolean }): ReturnType<typeof decideReturn> {
    const { workdir, returns } = this.#dependencies;
    const isReturned = (name: string) => returns.has(name);
    const snapshot = readMachine(workdir, machine, { isReturned, hasPodFile });
    const { pod } = snapshot;
    const todo = decideReturn(snapshot);
    const before = this.#machines.uidOf(machine);
    if (before !== undefined && (todo === "gone" || (pod && pod.uid !== before))) this.#podDeleter.gone(before);
    if (pod) {
      this.#machines.setUid(machine, pod.uid);
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
      this.#machines.setUid(machine, found.uid);
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
    const failed = await commit(
      this.#dependencies,
      gone.map((machine) => [machine, () => this.#changeOfGone(machine)]),
    );
    for (const [machine, error] of failed) this.#retries.note(machine, error);
    this.changed(gone);
  }

  /** `undefined` if its pod has shown up since the cluster was asked: the watch goes on to tell. */
  #changeOfGone(machine: string): Change | undefined {
    return this.#exists(machine) ? undefined : changeOfObservation(this.#dependencies, machine, { gone: undefined });
  }

  /** True if the work directory has nothing of the machine but that it was given back. */
  #isUnknown(machine: string): boolean {
    const { workdir } = this.#dependencies;
    return readMachineEntry(workdir, machine) === undefined && readState(workdir, machine) === undefined;
  }

  #strikeOff(machine: string): void {
    this.#toFind.delete(machine);
    this.#machines.remove(machine);
  }

  async #finish(id: string): Promise<void> {
    if (this.#retries.waits(id)) return;
    const { workdir } = this.#dependencies;
    try {
      if (workdir.kind(workdir.layout.returnRequest(id)) === "directory") await markReturnProcessed(workdir, id);
      this.#retries.clear(id);
      this.#machines.forgetRequest(id);
      log.info("Return request handled", { request: id });
    } catch (error) {
      this.#retries.note(id, error);
    }
  }

  #next(roundAtMs: number): Outcome {
    const now = this.#dependencies.clock.monotonic();
    const times = [this.#podDeleter.nextMs, this.#lookup.nextMs, this.#retries.nextMs, roundAtMs];
    const next = Math.min(...times.filter((ms) => ms > now));
    return Number.isFinite(next) ? { kind: "again", atMs: next } : { kind: "done" };
  }
}
