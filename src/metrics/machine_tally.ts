import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { isRequestId } from "../hf/names.ts";
import type { MachineState } from "../hf/status.ts";
import { type FailureKind, failureKind } from "../machine/failure_kind.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";
import { readFinishedNote } from "../workdir/finished_note.ts";
import { readState, readTombstone } from "../workdir/machines.ts";
import { readRequest, type StoredRequest } from "../workdir/requests.ts";
import { readReturn } from "../workdir/returns.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** How often to look at what is new, and at every machine that is not terminal, in milliseconds. */
const LOOK_EVERY_MS = 5_000;
const LOOK_AT_ALL_EVERY_MS = 600_000;

/** How often to look whether requests are noted as finished, in milliseconds. Looking for a missing note is expensive. */
const LOOK_FOR_NOTES_EVERY_MS = 60_000;

/**
 * If more requests than this are over but not noted as finished, the first look waits, at most so many milliseconds: retention
 * notes them first, and requests that are noted need not be read.
 */
const MOST_UNNOTED = 1_000;
const LONGEST_WAIT_MS = 300_000;

/** The rest after a look, as a multiple of the look's duration. */
const REST_PER_LOOK = 20;

/** The template id that is counted for requests that do not name their template. */
const UNKNOWN_TEMPLATE = "unknown";

/** A request that is not finished. */
interface OpenRequest {
  templateId: string;
  /** It came since this process began, so that every change of its machines counts as new. */
  isNew: boolean;
  /** The state of each machine at the last look; `undefined` before the first. */
  machines: Map<string, MachineState | undefined>;
}

/** Takes the counts for the metrics. */
export interface TallySink {
  requested(templateId: string, machines: number): void;
  returned(machines: number): void;
  failed(kind: FailureKind): void;
  machines(templateId: string, state: MachineState, count: number): void;
  requests(kind: "request" | "return", counts: { open: number; finished: number }): void;
}

/**
 * Counts machines and requests. Results are kept: a look reads new requests, machines without a pod, and machines that another
 * loop has written down. All others are read again only once in a while.
 */
export class MachineTally implements Loop {
  readonly name = "metrics";
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #sink: TallySink;
  readonly #beganAt: number;
  readonly #requests = new Map<string, OpenRequest>();
  readonly #finished = new Set<string>();
  /** By id, whether it is finished. */
  readonly #returns = new Map<string, boolean>();
  /** By template and state. */
  readonly #counts = new Map<string, Map<MachineState, number>>();
  #written = new Set<string>();
  #isBegun = false;
  /** When the first look waits no longer, on the monotonic clock; absent before it was tried. */
  #beginByMs: number | undefined;
  #allDueMs = -Infinity;
  #notesDueMs = Infinity;

  /** @param options `beganAt`: when this process began, in seconds since the epoch */
  constructor(workdir: Workdir, options: { clock: Clock; sink: TallySink; beganAt: number }) {
    this.#workdir = workdir;
    this.#clock = options.clock;
    this.#sink = options.sink;
    this.#beganAt = options.beganAt;
  }

  changed(machines: string[]): false {
    for (const machine of machines) this.#written.add(machine);
    return false;
  }

  async step(_signal: AbortSignal): Promise<Outcome> {
    const beganMs = this.#clock.monotonic();
    const budget = new Budget(this.#clock);
    const areNotesDue = beganMs >= this.#notesDueMs;
    if (await this.#followRequests(budget)) await this.#follow(budget, { areNotesDue });
    const endedMs = this.#clock.monotonic();
    return { kind: "again", atMs: endedMs + Math.max(LOOK_EVERY_MS, REST_PER_LOOK * (endedMs - beganMs)) };
  }

  async #follow(budget: Budget, { areNotesDue }: { areNotesDue: boolean }): Promise<void> {
    await this.#followReturns(budget, { areNotesDue });
    await this.#look(budget, { areNotesDue });
    // The first look has read the notes of all requests.
    if (areNotesDue || !this.#isBegun) this.#notesDueMs = this.#clock.monotonic() + LOOK_FOR_NOTES_EVERY_MS;
    this.#isBegun = true;
    this.#tell();
  }

  /** @returns false if too many requests that are over are not noted as finished yet: then most were not read */
  async #followRequests(budget: Budget): Promise<boolean> {
    const { layout } = this.#workdir;
    this.#beginByMs ??= this.#clock.monotonic() + LONGEST_WAIT_MS;
    const mostUnnoted = this.#isBegun || this.#clock.monotonic() >= this.#beginByMs ? Infinity : MOST_UNNOTED;
    const unnoted: StoredRequest[] = [];
    const listed = new Set(this.#workdir.directories(layout.requests).filter(isRequestId));
    for (const id of this.#finished) if (!listed.has(id)) this.#finished.delete(id);
    for (const id of [...this.#requests.keys()]) if (!listed.has(id)) this.#forget(id);
    for (const id of listed) {
      if (this.#requests.has(id) || this.#finished.has(id)) continue;
      if (budget.isSpent) await budget.breathe();
      if (readFinishedNote(this.#workdir, layout.request(id))) {
        this.#finished.add(id);
        continue;
      }
      const stored = orNothing(() => readRequest(this.#workdir, id));
      if (!stored) continue;
      if (mostUnnoted === Infinity || !this.#isOver(stored)) this.#open(stored);
      else if (unnoted.push(stored) > mostUnnoted) return false;
    }
    for (const stored of unnoted) this.#open(stored);
    return true;
  }

  #isOver({ machines }: StoredRequest): boolean {
    return machines.every(({ name }) => isEnd(orNothing(() => readState(this.#workdir, name)) ?? "creating"));
  }

  #open({ id, record, machines }: StoredRequest): void {
    const { templateId = UNKNOWN_TEMPLATE, requestedAt = -Infinity } = record ?? {};
    const isNew = this.#isNew(requestedAt);
    // Also for a template without new machines: Prometheus sees no increase in the first value of a counter, so that must be zero.
    this.#sink.requested(templateId, isNew ? machines.length : 0);
    this.#requests.set(id, { templateId, isNew, machines: new Map(machines.map(({ name }) => [name, undefined])) });
  }

  #isNew(requestedAt: number): boolean {
    return this.#isBegun || requestedAt >= this.#beganAt;
  }

  #forget(id: string): void {
    const { templateId, machines } = this.#requests.get(id) ?? { templateId: "", machines: new Map() };
    for (const state of machines.values()) if (state) this.#count(templateId, state, -1);
    this.#requests.delete(id);
  }

  async #followReturns(budget: Budget, { areNotesDue }: { areNotesDue: boolean }): Promise<void> {
    const { layout } = this.#workdir;
    const listed = new Set(this.#workdir.directories(layout.returnRequests).filter(isRequestId));
    for (const id of this.#returns.keys()) if (!listed.has(id)) this.#returns.delete(id);
    for (const id of listed) {
      if (this.#returns.get(id) || (this.#returns.has(id) && !areNotesDue)) continue;
      if (budget.isSpent) await budget.breathe();
      if (!this.#returns.has(id)) {
        const stored = orNothing(() => readReturn(this.#workdir, id));
        if (stored && this.#isNew(stored.record?.requestedAt ?? -Infinity)) this.#sink.returned(stored.machines.length);
      }
      this.#returns.set(id, readFinishedNote(this.#workdir, layout.returnRequest(id)) !== undefined);
    }
  }

  async #look(budget: Budget, { areNotesDue }: { areNotesDue: boolean }): Promise<void> {
    const written = this.#written;
    this.#written = new Set();
    const isAllDue = this.#clock.monotonic() >= this.#allDueMs;
    for (const [id, request] of this.#requests) {
      if (budget.isSpent) await budget.breathe();
      // Read the note first: once there is a note, the states do not change any more.
      const isFinished = areNotesDue &&
        readFinishedNote(this.#workdir, this.#workdir.layout.request(id)) !== undefined;
      for (const [machine, state] of request.machines) {
        const isDue = state === undefined || state === "creating" || isAllDue || isFinished || written.has(machine);
        if (!isDue) continue;
        if (budget.isSpent) await budget.breathe();
        this.#lookAt(machine, request);
      }
      if (isFinished) {
        this.#forget(id);
        this.#finished.add(id);
      }
    }
    if (isAllDue) this.#allDueMs = this.#clock.monotonic() + LOOK_AT_ALL_EVERY_MS;
  }

  #lookAt(machine: string, { templateId, machines, isNew }: OpenRequest): void {
    const before = machines.get(machine);
    const state = orNothing(() => readState(this.#workdir, machine)) ?? before ?? "creating";
    if (state === before) return;
    machines.set(machine, state);
    if (before) this.#count(templateId, before, -1);
    this.#count(templateId, state, 1);
    const isNews = before === undefined ? isNew : !isEnd(before);
    const tombstone = isNews && isEnd(state) ? orNothing(() => readTombstone(this.#workdir, machine)) : undefined;
    const kind = tombstone && failureKind(tombstone);
    if (kind) this.#sink.failed(kind);
  }

  #count(templateId: string, state: MachineState, by: number): void {
    const counts = this.#counts.get(templateId) ?? new Map<MachineState, number>();
    this.#counts.set(templateId, counts);
    counts.set(state, (counts.get(state) ?? 0) + by);
  }

  #tell(): void {
    for (const [templateId, counts] of this.#counts) {
      for (const [state, count] of counts) this.#sink.machines(templateId, state, count);
    }
    const finished = [...this.#returns.values()].filter((isFinished) => isFinished).length;
    this.#sink.requests("request", { open: this.#requests.size, finished: this.#finished.size });
    this.#sink.requests("return", { open: this.#returns.size - finished, finished });
  }
}

function isEnd(state: MachineState): boolean {
  return state === "failed" || state === "deleted";
}

/** Ignores broken entries: the loops that need them say what is wrong. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
