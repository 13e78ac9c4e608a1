import type { Budget } from "../budget.ts";
import { databasesSince, type EventSource, readEvents, waitingEvents } from "./reader.ts";
import { type NameRange, openStoredEvents, type Turn } from "./stored_events.ts";

/** How many machines one query asks for: some milliseconds of work. */
const TOGETHER = 500;

/**
 * For each of these statuses, how many of these machines were in it, and when the first and the last of them entered it for the
 * first time; without those that no machine was in. For requests with thousands of machines, whose events would take seconds to
 * read. A machine that was in a status both before and after the database was rotated counts twice.
 * @param asked `request`: the request whose machines these all are, if that is so: then they are found in less time
 * @throws HostFactoryError if a database cannot be read
 */
export async function readTurns(
  source: EventSource,
  { machines, request, statuses }: {
    machines: readonly string[];
    request?: string | undefined;
    statuses: readonly string[];
  },
  budget: Budget,
): Promise<Turn[]> {
  const filter = { categories: ["pod"], ids: machines, types: ["status"], values: statuses };
  // What waits in the spool may be in the database, too, by the time that is looked at: of these machines every event is read.
  const waiting = new Set((await waitingEvents(source, filter, budget)).values().map(({ id }) => id));
  const tally = new Tally();
  if (waiting.size > 0) {
    const firsts = new Map<string, Turn>();
    const events = await readEvents(source, { ...filter, ids: [...waiting] }, budget);
    for (const { id, value: status, timestamp: first } of events) {
      const key = `${status} ${id}`;
      if (!firsts.has(key)) firsts.set(key, { status, machines: 1, first, last: first });
    }
    for (const turn of firsts.values()) tally.add(turn);
  }
  const parts = request !== undefined && waiting.size === 0
    ? rangesOf(request)
    : piecesOf(machines.filter((machine) => !waiting.has(machine)));
  for (const path of databasesSince(source)) {
    const database = openStoredEvents(path, source);
    if (!database) continue;
    try {
      const turnsOf = database.turns(statuses);
      for (const part of parts) {
        if (budget.isSpent) await budget.breathe();
        for (const turn of turnsOf(part)) tally.add(turn);
      }
    } finally {
      database.close();
    }
  }
  return tally.turns;
}

/** All machines of a request, by the first digit of their index: the index of a machine follows a dash. */
function rangesOf(request: string): NameRange[] {
  const starts = Array.from("0123456789:", (digit) => `${request}-${digit}`);
  return starts.slice(1).map((before, i) => ({ from: starts[i]!, before }));
}

function piecesOf(machines: readonly string[]): string[][] {
  const sorted = machines.toSorted(); // As the index has them.
  const pieces = [];
  for (let at = 0; at < sorted.length; at += TOGETHER) pieces.push(sorted.slice(at, at + TOGETHER));
  return pieces;
}

/** The turns of each status, added up. */
class Tally {
  readonly #turns = new Map<string, Turn>();

  get turns(): Turn[] {
    return [...this.#turns.values()];
  }

  add({ status, machines, first, last }: Turn): void {
    const before = this.#turns.get(status) ?? { status, machines: 0, first, last };
    this.#turns.set(status, {
      status,
      machines: before.machines + machines,
      first: Math.min(before.first, first),
      last: Math.max(before.last, last),
    });
  }
}
