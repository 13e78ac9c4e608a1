import type { PicturedMachine } from "../admin/picture_of_machine.ts";
import type { Budget } from "../budget.ts";
import { EventReader, type EventSource } from "../events/reader.ts";
import type { RecordedEvent } from "../events/recorded.ts";
import type { State } from "./messages.ts";

/** Seconds between samples, and in `LATE` between those of the last `seconds` before the process began. */
const SAMPLE_EVERY = 60;
const LATE = { sampleEvery: 10, seconds: 600 };

/** The state of a machine after each of these events; `undefined`: it is gone. */
const STATE_AFTER: Readonly<Record<string, State | undefined>> = {
  requested: "creating",
  created: "pending",
  running: "running",
  unknown: "unknown",
  succeeded: "succeeded",
  failed: "failed",
  deleted: undefined,
};

/**
 * The events that begin a machine's life. A machine that has none is assumed to have been running before its first
 * event.
 */
const FIRST: readonly string[] = ["requested", "created"];

/** The order of states. An event that is recorded late, or in the same second, does not move a machine back. */
const ORDER: readonly (State | undefined)[] = ["creating", "pending", "running", "succeeded", "failed", undefined];

/** Samples for the graphs from events, for the time before a process. Times are in seconds since the epoch. */
export interface Past {
  machines: { at: number; counts: Partial<Record<State, number>> }[];
  /** By minute, how many seconds each machine took from its request until it ran. */
  starts: { at: number; seconds: number[] }[];
}

/**
 * Reads the past from events, in turns of the budget.
 * @param options `since`, `until`: the wanted time, in seconds since the epoch; `present`: the machines that exist now;
 * those without events in that time are assumed to have been in their present state all along; `isEnded`: called from
 * time to time; true: give up
 * @returns `undefined` if it gave up
 * @throws HostFactoryError if the events cannot be read
 */
export async function readPast(
  source: EventSource,
  { since, until, present, isEnded }: {
    since: number;
    until: number;
    present: readonly Pick<PicturedMachine, "name" | "state">[];
    isEnded: () => boolean;
  },
  budget: Budget,
): Promise<Past | undefined> {
  const lives = new Lives();
  const filter = { since, categories: ["pod"], types: ["status"], values: Object.keys(STATE_AFTER) };
  for await (const events of new EventReader(source, filter, budget).look()) {
    if (isEnded()) return undefined;
    for (const event of events) lives.add(event);
  }
  lives.compare(present);
  return lives.past(until);
}

interface Life {
  state: State | undefined;
  lastAt: number;
  /** If the machine was assumed to have been running before its first event: the time of that event. */
  ranBefore: number | undefined;
  requestedAt: number | undefined;
  runningAt: number | undefined;
}

/** Counts machines by state over time, from events. */
class Lives {
  readonly #lives = new Map<string, Life>();
  /** How many machines were in each state before the first event. */
  readonly #before: Partial<Record<State, number>> = {};
  /** By second, how much the number of machines in each state changed in it. */
  readonly #changes = new Map<number, Partial<Record<State, number>>>();
  #firstAt = Infinity;

  add({ id, value, timestamp: at }: RecordedEvent): void {
    const to = STATE_AFTER[value];
    const isFirst = FIRST.includes(value);
    this.#firstAt = Math.min(this.#firstAt, at);
    let life = this.#lives.get(id);
    if (!life) {
      const state = isFirst ? undefined : "running";
      life = { state, lastAt: at, ranBefore: isFirst ? undefined : at, requestedAt: undefined, runningAt: undefined };
      this.#lives.set(id, life);
      add(this.#before, state, 1);
      this.#move(life, at, to);
    } else if (isLater(to, life.state)) this.#move(life, at, to);
    if (isFirst) this.#takeBackThatItRan(life);
    if (value === "requested") life.requestedAt ??= at;
    if (value === "running") life.runningAt ??= at;
  }

  /** The cluster's times are whole seconds, so an event of the same second may be read before that of the request. */
  #takeBackThatItRan(life: Life): void {
    if (life.ranBefore === undefined) return;
    add(this.#before, "running", -1);
    this.#change(life.ranBefore, "running", 1);
    life.ranBefore = undefined;
  }

  /** Corrects the counts by the machines that exist now, because events may be missing. */
  compare(present: readonly Pick<PicturedMachine, "name" | "state">[]): void {
    const there = new Set<string>();
    for (const { name, state } of present) {
      if (state === "deleted") continue;
      there.add(name);
      if (!this.#lives.has(name)) add(this.#before, state, 1);
    }
    for (const [name, life] of this.#lives) {
      if (!there.has(name)) this.#move(life, life.lastAt, undefined);
    }
  }

  past(until: number): Past {
    const machines: Past["machines"] = [];
    const counts = this.#before;
    const changes = [...this.#changes].sort(([one], [other]) => one - other);
    let next = 0;
    const sample = (at: number) => {
      for (let change; (change = changes[next]) && change[0] <= at; next++) {
        for (const [state, by] of Object.entries(change[1])) add(counts, state as State, by);
      }
      machines.push({ at, counts: { ...counts } });
    };
    for (let at = this.#firstAt; at < until;) {
      sample(at);
      at += until - at <= LATE.seconds ? LATE.sampleEvery : SAMPLE_EVERY;
    }
    if (machines.length > 0) sample(until);
    return { machines, starts: this.#starts().filter(({ at }) => at < until) };
  }

  #move(life: Life, at: number, to: State | undefined): void {
    this.#change(at, life.state, -1);
    this.#change(at, to, 1);
    life.state = to;
    life.lastAt = at;
  }

  #change(at: number, state: State | undefined, by: number): void {
    const changes = this.#changes.get(at) ?? {};
    this.#changes.set(at, changes);
    add(changes, state, by);
  }

  #starts(): Past["starts"] {
    const minutes = new Map<number, number[]>();
    for (const { requestedAt, runningAt } of this.#lives.values()) {
      if (requestedAt === undefined || runningAt === undefined) continue;
      const minute = runningAt - runningAt % SAMPLE_EVERY;
      const seconds = minutes.get(minute) ?? [];
      minutes.set(minute, seconds);
      seconds.push(Math.max(0, runningAt - requestedAt));
    }
    return Array.from(minutes, ([at, seconds]) => ({ at, seconds })).sort((one, other) => one.at - other.at);
  }
}

function isLater(to: State | undefined, state: State | undefined): boolean {
  if (to === "unknown" || state === "unknown") return to !== state;
  return ORDER.indexOf(to) > ORDER.indexOf(state);
}

function add(counts: Partial<Record<State, number>>, state: State | undefined, by: number): void {
  if (state !== undefined) counts[state] = (counts[state] ?? 0) + by;
}
