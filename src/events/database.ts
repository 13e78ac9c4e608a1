import { DatabaseSync, type StatementSync } from "node:sqlite";
import { describeError } from "../errors.ts";
import { FrozenEvents, numberOf } from "./frozen_events.ts";
import type { EventRow } from "./rows.ts";

/** The events database, open for writing. Every call may throw the errors of SQLite. */
export interface EventStore {
  /** See `isOurDatabase`. */
  readonly isOurs: boolean;
  /** True if what was committed survives a power failure only once the file `<database>-wal` is synced. */
  readonly hasLog: boolean;
  /** Rows that were added or removed since the log was last moved; 0 without a log. */
  readonly changes: number;
  begin(): void;
  /** Adds a row to the transaction, at the latest when it is committed. A row that exists already is left alone. */
  insert(row: EventRow): void;
  commit(): void;
  /**
   * Removes some rows that are too old or too many, in the order in which they were stored, and frees their space.
   * @param limits `before`: seconds since the epoch; `mostBytes`: what the rest may take
   * @returns false once there is nothing left to remove
   */
  removePast(limits: { before: number; mostBytes: number }): boolean;
  /**
   * Begins to move the log's content into the database. To be called right after a commit. SQLite does so by itself
   * only if the log becomes very long, and holds everything up for two syncs.
   */
  moveLog(): LogMove;
  /**
   * Moves all of the log into the database file.
   * @returns false if another process has it open: then nothing was done
   */
  mergeLog(): boolean;
  /** Closes it; what was not committed is lost. */
  close(): void;
}

/** A log that is being moved into its database. Until that has ended, no process overwrites the log. */
export interface LogMove {
  /** Moves it. It has to be synced before, and the database after: SQLite syncs neither. */
  move(): void;
  end(): void;
}

/** Pages in the log at which SQLite moves it by itself, if nothing else has done so: 64 MiB. */
const LONGEST_LOG = 16_384;

/** How long to wait for another process that writes, in milliseconds. This whole process is blocked meanwhile. */
const LOCK_WAIT_MS = 50;

/** Rows that one step of the removal looks at: a millisecond or two of work. */
const PAST_ROWS = 100;

/** SQLite's number for `auto_vacuum = incremental`, the mode in which space can be freed. */
const INCREMENTAL = 2;

/** Rows that one statement inserts: one row each takes almost twice as long, and more than this gains nothing. */
const ROWS_AT_ONCE = 10;

/** How many pages one step returns to the file system. */
const VACUUM_PAGES = 50;

/** The legacy plug-in's tables, to the letter: its queries and those of sites rely on them. */
export const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS events (
                    hf_namespace TEXT,
                    hf_pod TEXT,
                    category TEXT,
                    id TEXT,
                    timestamp INT,
                    type TEXT,
                    value TEXT
                )`,
  `CREATE UNIQUE INDEX IF NOT EXISTS events_idx ON events(
                    hf_namespace,
                    hf_pod,
                    category,
                    id,
                    timestamp,
                    type,
                    value
                )
                `,
];

/** Our index, for readers that ask for the last hour. The legacy plug-in and its queries do not notice it. */
const TIME_INDEX = "CREATE INDEX IF NOT EXISTS events_time ON events(timestamp)";

/**
 * We add our index to tables of at most so many rows, which takes milliseconds. Larger ones of others stay without it.
 */
const MOST_ROWS_TO_INDEX = 10_000;

/**
 * Opens the events database, and creates it in an empty file. It uses WAL mode if the file system supports that, so
 * that readers delay nothing; otherwise each commit waits for the disk.
 */
export function openEventStore(path: string): EventStore {
  return new SqliteStore(path);
}

/** The header of SQLite files, and the offsets of the two fields of auto-vacuum (sqlite.org/fileformat2.html, 1.3). */
const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const HAS_AUTO_VACUUM = 52;
const IS_INCREMENTAL = 64;

/**
 * True if we created the database in that file, or the one that it is a copy of; false if it is no database. This reads
 * the file itself, because SQLite would make files beside it.
 * @throws Error if it cannot be read
 */
export function isOurDatabase(path: string): boolean {
  // deno-lint-ignore edges/one-place -- a database, like those that SQLite opens
  using file = Deno.openSync(path);
  const header = new Uint8Array(HEADER_BYTES);
  if (file.readSync(header) !== HEADER_BYTES) return false;
  const number = (offset: number) => new DataView(header.buffer).getUint32(offset);
  const isDatabase = new TextDecoder().decode(header.subarray(0, MAGIC.length)) === MAGIC;
  return isDatabase && number(HAS_AUTO_VACUUM) !== 0 && number(IS_INCREMENTAL) !== 0;
}

class SqliteStore implements EventStore {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insertOne: StatementSync;
  readonly #insertSome: StatementSync;
  /** The rows that the next statement inserts. */
  #rows: EventRow[] = [];
  readonly #removeOld: StatementSync;
  readonly #removeFirst: StatementSync;
  readonly isOurs: boolean;
  readonly hasLog: boolean;
  #changes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    try {
      // A database that has pages already would have to be rewritten for that: its space is reused, but not freed.
      if (this.#number("page_count") === 0) this.#database.exec(`PRAGMA auto_vacuum = ${INCREMENTAL}`);
      // The mode can be chosen only at the beginning, which the legacy plug-in does not do.
      this.isOurs = this.#number("auto_vacuum") === INCREMENTAL;
      const mode = this.#database.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string } | undefined;
      this.hasLog = mode?.journal_mode === "wal";
      if (this.hasLog) this.#database.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LONGEST_LOG}`);
      for (const statement of SCHEMA) this.#database.prepare(statement).run();
      const { last } = this.#database.prepare("SELECT max(rowid) AS last FROM events").get() as { last: number | null };
      if ((last ?? 0) <= MOST_ROWS_TO_INDEX) this.#database.prepare(TIME_INDEX).run();
      const insert = (rows: number) => {
        const values = Array(rows).fill("(?, ?, ?, ?, ?, ?, ?)").join();
        return this.#database.prepare(`INSERT INTO events VALUES ${values} ON CONFLICT DO NOTHING`);
      };
      this.#insertOne = insert(1);
      this.#insertSome = insert(ROWS_AT_ONCE);
      const first = `SELECT rowid, timestamp FROM events ORDER BY rowid LIMIT ${PAST_ROWS}`;
      const remove = (rows: string) =>
        this.#database.prepare(`DELETE FROM events WHERE rowid IN (SELECT rowid FROM (${first}) ${rows})`);
      this.#removeOld = remove("WHERE timestamp < ?");
      this.#removeFirst = remove("");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  begin(): void {
    this.#rows = [];
    this.#database.prepare("BEGIN IMMEDIATE").run();
  }

  insert(row: EventRow): void {
    this.#changes++;
    if (this.#rows.push(row) < ROWS_AT_ONCE) return;
    this.#insertSome.run(...this.#rows.flat());
    this.#rows = [];
  }

  commit(): void {
    for (const row of this.#rows) this.#insertOne.run(...row);
    this.#database.prepare("COMMIT").run();
  }

  removePast({ before, mostBytes }: { before: number; mostBytes: number }): boolean {
    const pages = this.#number("page_count") - this.#number("freelist_count");
    const isTooLarge = pages * this.#number("page_size") > mostBytes;
    const { changes } = isTooLarge ? this.#removeFirst.run() : this.#removeOld.run(before);
    this.#database.prepare(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all(); // Each step gives a page back.
    this.#changes += Number(changes);
    return Number(changes) > 0;
  }

  get changes(): number {
    return this.hasLog ? this.#changes : 0;
  }

  moveLog(): LogMove {
    const reader = new FrozenEvents(this.#path);
    // What a reader can still see stays in the log, with everything after it.
    reader.number("SELECT 1 FROM events LIMIT 1");
    this.#changes = 0;
    return {
      move: () =>
        this.#database.exec("PRAGMA synchronous = OFF; PRAGMA wal_checkpoint(PASSIVE); PRAGMA synchronous = NORMAL"),
      end: () => reader[Symbol.dispose](),
    };
  }

  #number(pragma: string): number {
    return numberOf(this.#database, `PRAGMA ${pragma}`);
  }

  mergeLog(): boolean {
    if (!this.hasLog) return true;
    try {
      const mode = this.#database.prepare("PRAGMA journal_mode = DELETE").get() as { journal_mode: string } | undefined;
      return mode?.journal_mode === "delete";
    } catch (error) {
      if (/locked/.test(describeError(error))) return false;
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}
