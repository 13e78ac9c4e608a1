import { Budget } from "../../budget.ts";
import { epochSeconds } from "../../clock.ts";
import { isRequestId, parseMachineName } from "../../hf/names.ts";
import { GatheringLog, logger } from "../../log.ts";
import { readFinishedNote, removeFinishedNote, writeFinishedNote } from "../../workdir/finished_note.ts";
import { isHidden } from "../../workdir/hidden_directory.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import { readState } from "../../workdir/machines.ts";
import { isProcessed, readRequest } from "../../workdir/requests.ts";
import { isReturnProcessed, readReturn } from "../../workdir/returns.ts";
import { doubtSyncStatus, readSyncStatus } from "../../workdir/index/sync_status.ts";
import { Orphans } from "./orphans.ts";
import type { Loop, Outcome } from "../loop.ts";
import { decideRemovals, type FinishedEntry, isOver, type RetentionLimits } from "./retention_policy.ts";
import { Removal } from "./removal.ts";
import { type Returned, ReturnNotes } from "./return_notes.ts";
import { Retries } from "../work/retries.ts";
import { EventSpool } from "./event_spool.ts";
import { SteadyTime } from "../work/steady_time.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, everything is looked over; more often if less than a few minutes are retained. */
const LOOK_EVERY_MS = 60_000;
const LOOKS_PER_RETENTION = 4;

/** Requests that are looked at in one go before others get their turn, and for how many milliseconds at most. */
const SLICE = 200;
const SLICE_MS = 30;

/** How much time there is, in milliseconds, for each that is looked at: a thousand times as long as the look takes. */
const MS_PER_ENTRY = 3;

/** Finished requests that are made to last in one go: that takes as long for one as for all. */
const MOST_UNNOTED = 2_000;

/** Machines whose requests are hidden in one go. */
const MOST_HIDDEN = 2_000;

const log = logger("retention");
const stuck = new GatheringLog("retention", "Cannot be read or removed yet", { of: "paths" });

interface Entry {
  id: string;
  kind: "request" | "return";
}

type FinishedRequest = FinishedEntry & Pick<Entry, "kind">;

/** One of which everything is over, and that is not noted yet. */
interface UnnotedRequest extends Entry {
  machines: string[];
}

/**
 * Removes what is long past: requests whose machines have all come to their end, return requests whose machines are all
 * gone, and what no one has picked up from the spools. Never anything unfinished, and nothing while the cluster is not in
 * view. When it came to its end is noted in each, by the cluster's clock, once all that Symphony may be told of it lasts.
 */
export class RetentionWatcher implements Loop {
  readonly name = "retention";
  readonly #dependencies: Dependencies;
  readonly #limits: RetentionLimits;
  readonly #retries: Retries;
  readonly #notes: ReturnNotes;
  readonly #removal: Removal;
  readonly #spools: EventSpool;
  readonly #orphans: Orphans;
  readonly #time = new SteadyTime();
  #roundAtMs = -Infinity;
  /** How many requests and return requests this round has found. */
  #found = 0;
  /** What this round has still to look at, return requests before requests: ids, absent while they are still to be listed. */
  #toLook: Record<Entry["kind"], string[] | undefined> = { return: [], request: [] };
  /** Machines in return requests that this round has found unfinished. */
  #beingReturned = new Set<string>();
  /** What this round has found to be finished, by the notes of earlier rounds. */
  #noted: FinishedRequest[] = [];
  /** What has been found to be finished, and is to be made to last before that is noted. */
  #unnoted: UnnotedRequest[] = [];
  /** What has been made to last: that it is finished is to be noted. */
  #toNote: UnnotedRequest[] = [];
  /** What retention no longer keeps: it is hidden, and then removed. */
  #toHide: FinishedRequest[] = [];

  constructor(dependencies: Dependencies, limits: RetentionLimits) {
    this.#dependencies = dependencies;
    this.#limits = limits;
    this.#retries = new Retries(dependencies, stuck, { by: this.name, pathOf: (path) => path });
    const retries = this.#retries;
    this.#notes = new ReturnNotes(dependencies, retries);
    this.#removal = new Removal(dependencies.workdir, retries);
    this.#spools = new EventSpool(dependencies.workdir, { limits, retries });
    const isBeingReturned = (machine: string) => this.#beingReturned.has(machine);
    this.#orphans = new Orphans(dependencies.workdir, { ...limits, isBeingReturned, retries });
  }

  async step(_signal: AbortSignal): Promise<Outcome> {
    const { clock, workdir } = this.#dependencies;
    const [monotonicMs, now] = [clock.monotonic(), this.#now()];
    const nextRoundMs = this.#roundAtMs + this.#periodMs;
    if (now === undefined) return again(monotonicMs + this.#periodMs);
    if (this.#removal.size > 0) await workdir.inTurn(() => this.#removal.removeSlice());
    else if (this.#toHide.length > 0) await this.#hideSlice();
    else if (this.#toNote.length > 0) await this.#noteFinished(now);
    else if (this.#isLooking) await this.#lookAtSlice(now);
    else if (this.#spools.size > 0) this.#spools.step({ nowMs: clock.now(), monotonicMs });
    else if (this.#orphans.size > 0) await workdir.inTurn(() => this.#orphans.step(monotonicMs));
    else if (monotonicMs < nextRoundMs) return again(nextRoundMs);
    else this.#beginRound(monotonicMs);
    return again(clock.monotonic());
  }

  /** How often is looked: so much is looked at that it takes a thousandth of the time. */
  get #periodMs(): number {
    const periodMs = Math.min(LOOK_EVERY_MS, this.#limits.retainSeconds * 1000 / LOOKS_PER_RETENTION);
    return Math.max(periodMs, this.#found * MS_PER_ENTRY);
  }

  /**
   * The cluster's time, in seconds since the epoch; nothing while the cluster is not in view, for then pods may exist that
   * the work directory does not know.
   */
  #now(): number | undefined {
    const { workdir, clock, kube } = this.#dependencies;
    const clusterNow = kube.now();
    if (clusterNow === undefined || doubtSyncStatus(readSyncStatus(workdir, "pods"), epochSeconds(clock.now()))) {
      return undefined;
    }
    return epochSeconds(this.#time.at(clusterNow, clock.monotonic()));
  }

  #beginRound(nowMs: number): void {
    const { workdir } = this.#dependencies;
    this.#roundAtMs = nowMs;
    this.#retries.retain((path) => workdir.kind(path) !== undefined);
    this.#spools.begin();
    this.#orphans.begin(nowMs);
    this.#toLook = { return: undefined, request: undefined };
    this.#found = 0;
    this.#beingReturned = new Set();
    this.#noted = [];
    for (const id of workdir.names(workdir.layout.returning)) this.#dropReturning(id);
  }

  /** A crash may have left the note of a return request that is finished, or was never there. */
  #dropReturning(id: string): void {
    const { workdir } = this.#dependencies;
    this.#retries.attempt(workdir.layout.returningRequest(id), (path) => {
      const isOpen = workdir.kind(workdir.layout.returnRequest(id)) !== undefined && !isReturnProcessed(workdir, id);
      if (!isOpen) workdir.remove(path);
    });
  }

  get #isLooking(): boolean {
    return this.#toLook.return?.length !== 0 || this.#toLook.request?.length !== 0;
  }

  async #lookAtSlice(now: number): Promise<void> {
    const { clock } = this.#dependencies;
    const kind = this.#toLook.return?.length === 0 ? "request" : "return";
    const ids = this.#toLook[kind] ??= this.#list(kind);
    const untilMs = clock.monotonic() + SLICE_MS;
    const hasPod = this.#pods();
    for (let n = 0; n < SLICE && ids.length > 0 && clock.monotonic() <= untilMs; n++) {
      await this.#look({ kind, id: ids.pop() ?? "" }, { now, hasPod });
    }
    if (!this.#isLooking || this.#unnoted.length >= MOST_UNNOTED) await this.#makeLast();
    if (this.#isLooking) return;
    this.#toHide = decideRemovals(this.#noted, { ...this.#limits, now });
    this.#noted = [];
  }

  /** @returns the ids of all that there is; finds what a crash left half removed */
  #list(kind: Entry["kind"]): string[] {
    const { workdir } = this.#dependencies;
    const parent = kind === "return" ? workdir.layout.returnRequests : workdir.layout.requests;
    const entries = workdir.kind(parent) === "directory" ? workdir.files.list(parent) : [];
    const names = entries.filter((entry) => entry.kind === "directory").map(({ name }) => name);
    this.#removal.resume(names.filter(isHidden).map((name) => `${parent}/${name}`));
    this.#found += names.length;
    return names.filter(isRequestId);
  }

  async #look(entry: Entry, { now, hasPod }: { now: number; hasPod: (machine: string) => boolean }): Promise<void> {
    const directory = this.#directory(entry);
    await this.#retries.attemptAsync(directory, async () => {
      const end = readFinishedNote(this.#dependencies.workdir, directory);
      // One in the future was noted while the cluster's clock was wrong.
      if (end && end.endedAt <= now) return void this.#noted.push({ name: entry.id, kind: entry.kind, ...end });
      const machines = await this.#machinesOfFinished(entry, hasPod);
      if (machines) this.#unnoted.push({ ...entry, machines });
    });
  }

  #directory({ id, kind }: Entry): string {
    const { layout } = this.#dependencies.workdir;
    return kind === "return" ? layout.returnRequest(id) : layout.request(id);
  }

  /** Whether a machine has a pod, as far as we know; looks once, and only if asked. */
  #pods(): (machine: string) => boolean {
    const { workdir } = this.#dependencies;
    let pods: Set<string> | undefined;
    return (machine) => (pods ??= new Set(workdir.names(workdir.layout.pods))).has(machine);
  }

  /** The machines of a request or return request of which everything is over; `undefined` if anything may change. */
  async #machinesOfFinished(
    { id, kind }: Entry,
    hasPod: (machine: string) => boolean,
  ): Promise<string[] | undefined> {
    const { workdir, clock } = this.#dependencies;
    const budget = new Budget(clock);
    const areOver = async (machines: string[], rest: { needsState: boolean; isReturn: boolean }) => {
      for (const machine of machines) {
        if (budget.isSpent) await budget.breathe();
        const state = readState(workdir, machine);
        const beingReturned = !rest.isReturn && this.#beingReturned.has(machine);
        if (!isOver({ state, hasPod: hasPod(machine), beingReturned, needsState: rest.needsState })) return false;
      }
      return true;
    };
    if (kind === "return") {
      const stored = readReturn(workdir, id);
      if (!stored) return undefined;
      const { machines } = stored;
      if (stored.processed && await areOver(machines, { needsState: false, isReturn: true })) return machines;
      for (const machine of machines) this.#beingReturned.add(machine);
      return undefined;
    }
    if (!isProcessed(workdir, id)) return undefined;
    const stored = readRequest(workdir, id);
    const machines = stored?.machines.map(({ name }) => name) ?? [];
    const needsState = stored?.record !== undefined;
    return stored && await areOver(machines, { needsState, isReturn: false }) ? machines : undefined;
  }

  /**
   * Makes all last that Symphony may be told of what has come to its end, and that its pods' files are gone: those that came
   * back with a power failure would be taken for what is left of a lost request.
   */
  async #makeLast(): Promise<void> {
    const { files, layout } = this.#dependencies.workdir;
    if (this.#unnoted.length === 0) return;
    const returned = this.#unnoted.filter(({ kind }) => kind === "return");
    await this.#notes.write(
      returned.map(({ machines, ...entry }) => ({ directory: this.#directory(entry), machines })),
    );
    await inParallel([layout.pods, layout.podsStatus, layout.machines], (directory) => files.sync(directory));
    this.#toNote = this.#unnoted;
    this.#unnoted = [];
  }

  async #noteFinished(now: number): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    const budget = new Budget(clock);
    for (const { machines, ...entry } of this.#toNote.splice(0, SLICE)) {
      if (budget.isSpent) await budget.breathe();
      const directory = this.#directory(entry);
      this.#retries.attempt(directory, () => {
        if (entry.kind === "return") this.#prolong(machines, now);
        writeFinishedNote(workdir, directory, { endedAt: now, machines: machines.length });
        log.debug("Finished", { path: directory, machines: machines.length });
      });
    }
  }

  /** A request is not long past before the last return request that names a machine of it. */
  #prolong(machines: string[], now: number): void {
    const { workdir } = this.#dependencies;
    for (const id of new Set(machines.flatMap((machine) => parseMachineName(machine)?.requestId ?? []))) {
      const directory = workdir.layout.request(id);
      const end = readFinishedNote(workdir, directory);
      if (end) writeFinishedNote(workdir, directory, { ...end, endedAt: now });
    }
  }

  /** Hides what is long past, but for what goes on after all. */
  async #hideSlice(): Promise<void> {
    const { workdir } = this.#dependencies;
    const past = this.#nextToHide();
    const broken = await this.#notes.makeLast(this.#returnsAmong(past));
    await workdir.files.sync(workdir.layout.machines);
    // Nothing becomes of any machine between the look at it and the hiding.
    await workdir.inTurn(async () => {
      const hasPod = this.#pods();
      for (const { name: id, kind } of past) {
        const directory = this.#directory({ id, kind });
        if (broken.has(directory)) continue;
        await this.#retries.attemptAsync(directory, async () => {
          if (await this.#machinesOfFinished({ id, kind }, hasPod)) return this.#removal.hide(directory);
          removeFinishedNote(workdir, directory);
          log.warn("Kept: activity after completion", { path: directory });
        });
      }
      await this.#removal.makeHiddenLast();
    });
  }

  /** Some of what is to be hidden, at least one. */
  #nextToHide(): FinishedRequest[] {
    let machines = 0;
    const end = this.#toHide.findIndex((one, i) => (machines += one.machines) > MOST_HIDDEN || i === SLICE);
    return this.#toHide.splice(0, end < 0 ? this.#toHide.length : Math.max(1, end));
  }

  #returnsAmong(past: FinishedRequest[]): Returned[] {
    const returned: Returned[] = [];
    for (const { name: id, kind } of past) {
      if (kind !== "return") continue;
      this.#retries.attempt(this.#directory({ id, kind }), (directory) => {
        returned.push({ directory, machines: readReturn(this.#dependencies.workdir, id)?.machines ?? [] });
      });
    }
    return returned;
  }
}

function again(atMs: number): Promise<Outcome> {
  return Promise.resolve({ kind: "again", atMs });
}
