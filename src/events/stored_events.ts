import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, ifThere } from "../files.ts";
import type { EventFilter, RecordedEvent } from "./recorded.ts";

/** The events of one database, opened for reading. Another process may be writing to it. */
export interface StoredEvents {
  /** The events that are asked for, the oldest first; those of one second in the order in which they were stored. */
  read(filter: StoredFilter): Iterable<RecordedEvent>;
  /**
   * Prepares a query that tells which of these statuses any of some machines was in: named ones, or those whose names lie in a
   * range, which takes half the time. It can be asked again and again. A status may occur several times in an answer, each time
   * for other machines.
   */
  turns(statuses: readonly string[]): (machines: readonly string[] | NameRange) => Turn[];
  /** True if there is an index of times, which databases that we made have: see `openEventStore`. */
  hasTimeIndex(): boolean;
  /** The number of the row that was stored last; rows that come later have higher ones. */
  lastRow(): number;
  close(): void;
}

/** Names from one on, and before another. */
export interface NameRange {
  from: string;
  before: string;
}

/** How many machines were in a status, and when the first and the last of them entered it for the first time. */
export interface Turn {
  status: string;
  machines: number;
  /** Seconds since the epoch. */
  first: number;
  last: number;
}

/** Which stored events are wanted. */
export interface StoredFilter extends EventFilter {
  /** Only rows beyond this one. */
  afterRow?: number | undefined;
  /** Only rows up to this one. */
  untilRow?: number | undefined;
}

/** Rows that one query fetches: some milliseconds of work. */
const PAGE = 1_000;

/** The columns before the id in the table's own index. */
const FIRST_COLUMNS: readonly string[] = ["hf_namespace", "hf_pod", "category"];

/** The category of events of machines. */
const MACHINES = "pod";

/** SQLite sorts text after any number, and has no larger number than this. */
const LATEST = Number.MAX_SAFE_INTEGER;

/**
 * Opens the events database at `path`, ours or the legacy plug-in's.
 * @param options `lockWaitMs`: how long to wait for a process that writes, in milliseconds; this whole process stands still meanwhile
 * @returns `undefined` if there is none
 * @throws HostFactoryError if it cannot be read
 */
export function openStoredEvents(
  path: string,
  { files, lockWaitMs }: { files: Files; lockWaitMs: number },
): StoredEvents | undefined {
  if (!exists(files, path)) return undefined;
  try {
    return new SqliteEvents(path, lockWaitMs);
  } catch (error) {
    throw unreadable(path, error);
  }
}

class SqliteEvents implements StoredEvents {
  readonly #database: DatabaseSync;

  constructor(path: string, lockWaitMs: number) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: lockWaitMs });
    try {
      this.lastRow();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  lastRow(): number {
    if (!this.#hasTable()) return 0;
    const { last } = this.#database.prepare("SELECT max(rowid) AS last FROM events").get() as { last: number | null };
    return last ?? 0;
  }

  /** A database that has just been made is empty. */
  #hasTable(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get() !== undefined;
  }

  read(filter: StoredFilter): Iterable<RecordedEvent> {
    if (!this.#hasTable()) return [];
    if (filter.ids) return this.#readOf(filter.ids, filter);
    return this.#select(conditionsOf(filter), { ...filter, byTime: filter.afterRow === undefined });
  }

  turns(statuses: readonly string[]): (machines: readonly string[] | NameRange) => Turn[] {
    if (!this.#hasTable()) return () => [];
    const places = [...this.#places([])].filter((place) => place.some(([, value]) => value === MACHINES));
    // Machine by machine, as the index has them: then nothing has to be put in order.
    const firsts = statuses.map((_, i) => `min(timestamp) FILTER (WHERE value = ?) AS first${i}`);
    const turns = statuses.map((_, i) => `json_array(count(first${i}), min(first${i}), max(first${i}))`);
    const prepare = ([asked]: Condition) =>
      places.map((place) => {
        const where = [...place.map(([sql]) => sql), "type = 'status'", asked].join(" AND ");
        const each = `SELECT ${firsts.join(", ")} FROM events WHERE ${where} GROUP BY id`;
        const statement = this.#database.prepare(`SELECT json_array(${turns.join(", ")}) AS turns FROM (${each})`);
        return { statement, values: [...statuses, ...valuesOf(place)] };
      });
    const prepared = new Map<string, ReturnType<typeof prepare>>();
    return (machines) => {
      const asked = "from" in machines ? inRange(machines) : amongIds(machines);
      const questions = prepared.get(asked[0]) ?? prepare(asked);
      prepared.set(asked[0], questions);
      return questions.flatMap(({ statement, values }) => {
        const { turns } = statement.get(...values, ...valuesOf([asked])) as { turns: string };
        const found = JSON.parse(turns) as [number, number, number][];
        return found.map(([machines, first, last], i) => ({ status: statuses[i]!, machines, first, last }))
          .filter(({ machines }) => machines > 0);
      });
    };
  }

  /**
   * The table's own index leads to an id only by way of the columns before it. These have few values, so we look into the index
   * once for each of them. SQLite by itself would look at every row.
   */
  #readOf(ids: readonly string[], filter: StoredFilter): RecordedEvent[] {
    const found: RecordedEvent[] = [];
    for (const place of this.#places([])) {
      const conditions = [...conditionsOf(filter), ...place, amongIds(ids)];
      for (const event of this.#select(conditions, { ...filter, byTime: false })) found.push(event);
    }
    return found.sort((a, b) => a.timestamp - b.timestamp);
  }

  /** Every combination of values in the first columns of the index. @param known the values of the columns before the next one */
  *#places(known: readonly Condition[]): Generator<readonly Condition[]> {
    const column = FIRST_COLUMNS[known.length];
    if (column === undefined) return yield known;
    let value = this.#least(column, known);
    while (typeof value === "string") {
      yield* this.#places([...known, [`${column} = ?`, value]]);
      value = this.#least(column, [...known, [`${column} > ?`, value]]);
    }
  }

  #least(column: string, conditions: readonly Condition[]): unknown {
    const where = ["TRUE", ...conditions.map(([sql]) => sql)].join(" AND ");
    const statement = this.#database.prepare(`SELECT min(${column}) AS least FROM events WHERE ${where}`);
    return statement.get(...valuesOf(conditions))?.["least"];
  }

  /** @param options `byTime`: the index of times leads to them, if there is one; else another does */
  #select(
    conditions: readonly Condition[],
    { since = -LATEST, until = LATEST, byTime }: StoredFilter & { byTime: boolean },
  ): Iterable<RecordedEvent> {
    const range = { since, until };
    return byTime && this.hasTimeIndex() ? this.#pages(conditions, range) : this.#rows(conditions, range);
  }

  hasTimeIndex(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events_time'").get() !== undefined;
  }

  /** Page by page, each as one JSON text, which takes a third of the time of rows. No query is open between two pages. */
  *#pages(conditions: readonly Condition[], { since, until }: TimeRange): Generator<RecordedEvent> {
    const where = [...conditions.map(([sql]) => sql), "timestamp <= ?", "(timestamp, rowid) > (?, ?)"].join(" AND ");
    const statement = this.#database.prepare(
      `SELECT json_group_array(json_array(category, id, timestamp, type, value, rowid)) AS page
       FROM (SELECT *, rowid FROM events WHERE ${where} ORDER BY timestamp, rowid LIMIT ${PAGE})`,
    );
    for (let last = [since, -LATEST];;) {
      const { page } = statement.get(...valuesOf(conditions), until, ...last) as { page: string };
      const rows = JSON.parse(page) as [string, string, number, string, string, number][];
      for (const [category, id, timestamp, type, value] of rows) yield { category, id, timestamp, type, value };
      const [, , timestamp, , , row] = rows.at(-1) ?? [];
      if (rows.length < PAGE || timestamp === undefined || row === undefined) return;
      last = [timestamp, row];
    }
  }

  /** All events that are asked for, sorted by SQLite. */
  *#rows(conditions: readonly Condition[], { since, until }: TimeRange): Generator<RecordedEvent> {
    const where = [...conditions.map(([sql]) => sql), "+timestamp BETWEEN ? AND ?"].join(" AND ");
    const statement = this.#database.prepare(
      `SELECT category, id, timestamp, type, value FROM events WHERE ${where} ORDER BY +timestamp, rowid`,
    );
    // They have what was selected, and another prototype than other objects.
    for (const row of statement.iterate(...valuesOf(conditions), since, until)) {
      yield { ...row } as unknown as RecordedEvent;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** A part of a WHERE clause, and the values of its parameters. */
type Condition = readonly [sql: string, ...values: SQLInputValue[]];

/** In seconds since the epoch, both included. */
interface TimeRange {
  since: number;
  until: number;
}

function valuesOf(conditions: readonly Condition[]): SQLInputValue[] {
  return conditions.flatMap(([, ...values]) => values);
}

function amongIds(ids: readonly string[]): Condition {
  return ["id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)];
}

function inRange({ from, before }: NameRange): Condition {
  return ["id >= ? AND id < ?", from, before];
}

/** The conditions that the filter sets, without those on the time. */
function conditionsOf({ categories, types, values, withoutStatuses, afterRow, untilRow }: StoredFilter): Condition[] {
  const conditions: Condition[] = [];
  const among = (column: string) => `${column} IN (SELECT value FROM json_each(?))`;
  if (categories) conditions.push([among("category"), JSON.stringify(categories)]);
  if (types) conditions.push([among("type"), JSON.stringify(types)]);
  if (values) conditions.push([among("value"), JSON.stringify(values)]);
  if (withoutStatuses) {
    conditions.push([`NOT (type = 'status' AND ${among("value")})`, JSON.stringify(withoutStatuses)]);
  }
  if (afterRow !== undefined) conditions.push(["rowid > ?", afterRow]);
  // Of the rows that are asked for, all but those that have just been stored come before it.
  if (untilRow !== undefined) conditions.push(["+rowid <= ?", untilRow]);
  return conditions;
}

function exists(files: Files, path: string): boolean {
  try {
    return (ifThere(() => files.info(path, { followLinks: true }))?.size ?? 0) > 0;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): HostFactoryError {
  const why = describeError(error);
  const hint = /locked|busy/i.test(why)
    ? "try again: another program writes to it"
    : /not a database|malformed/.test(why)
    ? "if serve stores events there, move it away: it makes a new one, and what waits in the spool is not lost"
    : /unable to open|readonly|read-only/.test(why)
    ? "run this as the user of serve: to read it, SQLite makes files beside it that serve does not leave there"
    : "make it and its directory readable for this user";
  return new HostFactoryError(`Cannot read the events in '${path}': ${why}`, { hint, cause: error });
}
