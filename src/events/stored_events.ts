import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import type { EventFilter, RecordedEvent } from "./recorded.ts";

/** The events of one database, which is only read: by our process, or by one beside it that writes. */
export interface StoredEvents {
  /** Those that are asked for, the oldest first; of one second, as they were stored. */
  read(filter: StoredFilter): Iterable<RecordedEvent>;
  /** The number of the row that was stored last; rows that come later have higher ones. */
  lastRow(): number;
  close(): void;
}

/** Which stored events are asked for. */
export interface StoredFilter extends EventFilter {
  /** Only rows beyond this one. */
  afterRow?: number | undefined;
  /** Only rows up to this one. */
  untilRow?: number | undefined;
}

/** Text is greater than any number, and a number beyond this cannot be had from SQLite. */
const LATEST = Number.MAX_SAFE_INTEGER;

/**
 * Opens the events database at `path`, ours or the legacy plug-in's.
 * @param options `lockWaitMs`: how long, in milliseconds, one who writes is waited for, in which nothing else of this process goes on
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
    // Of a directory that is not ours to write in, SQLite reads a database with a log only if it need not look for that.
    const isUnwritable = /unable to open|readonly|read-only/.test(describeError(error));
    if (!isUnwritable || exists(files, `${path}-wal`)) throw unreadable(path, error);
  }
  try {
    return new SqliteEvents(`file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?immutable=1`, lockWaitMs);
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
    return this.#select(conditionsOf(filter, { byTime: filter.afterRow === undefined }));
  }

  /**
   * The table's own index leads to an id only by way of the columns before it. Of their values there are few, which are gone
   * through: that takes a look at the index for each, where SQLite by itself would look at every row.
   */
  #readOf(ids: readonly string[], filter: StoredFilter): RecordedEvent[] {
    const next = this.#database.prepare(
      `SELECT hf_namespace, hf_pod, category FROM events WHERE (hf_namespace, hf_pod, category) > (?, ?, ?)
       ORDER BY hf_namespace, hf_pod, category LIMIT 1`,
    );
    const found: RecordedEvent[] = [];
    let place: SQLInputValue[] | undefined = ["", "", ""];
    while (place) {
      const conditions = conditionsOf(filter, { byTime: false });
      conditions.push(["hf_namespace = ?", place[0]], ["hf_pod = ?", place[1]], ["category = ?", place[2]]);
      conditions.push(["id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)]);
      found.push(...this.#select(conditions));
      const row: Record<string, SQLInputValue> | undefined = next.get(...place);
      place = row && Object.values(row);
    }
    return found.sort((a, b) => a.timestamp - b.timestamp);
  }

  *#select(conditions: readonly Condition[]): Generator<RecordedEvent> {
    const where = conditions.map(([sql]) => sql).join(" AND ");
    const values = conditions.flatMap(([, ...values]) => values.filter((value) => value !== undefined));
    const statement = this.#database.prepare(
      `SELECT category, id, timestamp, type, value FROM events WHERE ${where} ORDER BY timestamp, rowid`,
    );
    for (const { category, id, timestamp, type, value } of statement.iterate(...values)) {
      yield { category, id, timestamp, type, value } as unknown as RecordedEvent;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** A part of a WHERE clause, and the values of its parameters. */
type Condition = readonly [sql: string, ...values: (SQLInputValue | undefined)[]];

/** @param options `byTime`: SQLite may use the index of times, if there is one; else another is of more use */
function conditionsOf(
  { since = -LATEST, until = LATEST, categories, types, afterRow, untilRow }: StoredFilter,
  { byTime }: { byTime: boolean },
): Condition[] {
  const conditions: Condition[] = [[`${byTime ? "" : "+"}timestamp BETWEEN ? AND ?`, since, until]];
  const among = (column: string) => `${column} IN (SELECT value FROM json_each(?))`;
  if (categories) conditions.push([among("category"), JSON.stringify(categories)]);
  if (types) conditions.push([among("type"), JSON.stringify(types)]);
  if (afterRow !== undefined) conditions.push(["rowid > ?", afterRow]);
  // Of the rows that are asked for, all but those that have just been stored come before it.
  if (untilRow !== undefined) conditions.push(["+rowid <= ?", untilRow]);
  return conditions;
}

function exists(files: Files, path: string): boolean {
  try {
    return files.info(path, { followLinks: true }).size > 0;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): HostFactoryError {
  const why = describeError(error);
  const hint = /locked|busy/i.test(why)
    ? "try again: another program writes to it"
    : /not a database|malformed/.test(why)
    ? "move it away: serve makes a new one, and what waits in the spool is not lost"
    : "make it and its directory readable for this user";
  return new HostFactoryError(`Cannot read the events in '${path}': ${why}`, { hint, cause: error });
}
