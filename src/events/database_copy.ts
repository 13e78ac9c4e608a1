import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SCHEMA } from "./database.ts";

/** A copy of an events database in the making. Every call may throw what SQLite throws. */
export interface EventCopy {
  /** How many pages the database has. */
  readonly pages: number;
  /** Copies a few rows. @returns how much of it is done, from 0 to 1 */
  step(): number;
  /** Ends it, whole or not. */
  close(): void;
}

/** Rows that are copied in one go: a few milliseconds. */
const ROWS = 250;

/**
 * Begins to copy an events database, as it is now, whatever is stored in it meanwhile. SQLite's own way of doing so holds up
 * the whole process until it is done.
 * @param to a file that is empty
 */
export function copyEvents(from: string, to: string): EventCopy {
  return new SqliteCopy(from, to);
}

class SqliteCopy implements EventCopy {
  readonly pages: number;
  readonly #from: DatabaseSync;
  readonly #to: DatabaseSync;
  readonly #next: StatementSync;
  readonly #insert: StatementSync;
  readonly #last: number;
  #copied = 0;

  constructor(from: string, to: string) {
    this.#from = new DatabaseSync(from, { readOnly: true });
    this.#to = new DatabaseSync(to);
    // What is seen in one transaction does not change.
    this.#from.prepare("BEGIN").run();
    this.#last = this.#number("SELECT max(rowid) FROM events");
    this.pages = this.#number("PRAGMA page_count");
    // Whose it is: see `isOurDatabase`.
    const vacuum = `PRAGMA auto_vacuum = ${this.#number("PRAGMA auto_vacuum")}`;
    for (const statement of [vacuum, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", ...SCHEMA]) {
      this.#to.exec(statement);
    }
    this.#next = this.#from.prepare(`SELECT rowid AS row, * FROM events WHERE rowid > ? ORDER BY rowid LIMIT ${ROWS}`);
    this.#next.setReadBigInts(true); // A number that is larger than ours would be an error.
    this.#insert = this.#to.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
  }

  step(): number {
    const rows = this.#next.all(this.#copied);
    this.#to.exec("BEGIN");
    for (const { row: _, ...columns } of rows) this.#insert.run(...Object.values(columns));
    this.#to.exec("COMMIT");
    this.#copied = Number(rows.at(-1)?.["row"] ?? this.#last);
    return this.#copied >= this.#last ? 1 : this.#copied / this.#last;
  }

  close(): void {
    this.#from.close();
    this.#to.close();
  }

  #number(query: string): number {
    return Number(Object.values(this.#from.prepare(query).get() ?? {})[0] ?? 0);
  }
}
