import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SCHEMA } from "./database.ts";
import { FrozenEvents } from "./frozen_events.ts";

/** A copy of an events database that is being made. Every call may throw the errors of SQLite. */
export interface EventCopy {
  /** How many pages the database has. */
  readonly pages: number;
  /** Copies a few rows. @returns how much of it is done, from 0 to 1 */
  step(): number;
  /** Ends it, complete or not. */
  close(): void;
}

/** Rows that one step copies: a few milliseconds of work. */
const ROWS = 250;

/**
 * Begins to copy an events database in its current state, whatever is stored in it meanwhile. SQLite's own backup would
 * block the whole process until it is done.
 * @param to a file that is empty
 */
export function copyEvents(from: string, to: string): EventCopy {
  return new SqliteCopy(from, to);
}

class SqliteCopy implements EventCopy {
  readonly pages: number;
  readonly #from: FrozenEvents;
  readonly #to: DatabaseSync;
  readonly #rows: ReturnType<FrozenEvents["pages"]>;
  readonly #insert: StatementSync;
  readonly #last: number;

  constructor(from: string, to: string) {
    this.#from = new FrozenEvents(from);
    this.#to = new DatabaseSync(to);
    this.#last = this.#from.number("SELECT max(rowid) FROM events");
    this.pages = this.#from.number("PRAGMA page_count");
    // The mark that says who created it: see `isOurDatabase`.
    const vacuum = `PRAGMA auto_vacuum = ${this.#from.number("PRAGMA auto_vacuum")}`;
    for (const statement of [vacuum, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", ...SCHEMA]) {
      this.#to.exec(statement);
    }
    this.#rows = this.#from.pages({ rows: ROWS });
    this.#insert = this.#to.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
  }

  step(): number {
    const rows = this.#rows.next().value ?? [];
    this.#to.exec("BEGIN");
    for (const { row: _, ...columns } of rows) this.#insert.run(...Object.values(columns));
    this.#to.exec("COMMIT");
    const copied = Number(rows.at(-1)?.["row"] ?? this.#last);
    return copied >= this.#last ? 1 : copied / this.#last;
  }

  close(): void {
    this.#from[Symbol.dispose]();
    this.#to.close();
  }
}
