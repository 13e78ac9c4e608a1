import { DatabaseSync, type SQLOutputValue } from "node:sqlite";

/** The number that a query or pragma returns; 0 if it returns none. */
export function numberOf(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0] ?? 0);
}

/** A snapshot of an events database, taken when it is first read. Every call may throw what SQLite throws. */
export class FrozenEvents implements Disposable {
  readonly #database: DatabaseSync;

  /** @param options `lockWaitMs`: how long to wait for a process that writes, in milliseconds (0) */
  constructor(path: string, { lockWaitMs = 0 }: { lockWaitMs?: number } = {}) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: lockWaitMs });
    // One transaction sees one state of the database, however long it is open.
    this.#database.exec("BEGIN");
  }

  /** See `numberOf`. */
  number(query: string): number {
    return numberOf(this.#database, query);
  }

  /** The statements that made the table, or its indexes. */
  schema(type: "table" | "index"): string[] {
    const query = "SELECT sql FROM sqlite_schema WHERE tbl_name = 'events' AND type = ? ORDER BY rowid";
    return this.#database.prepare(query).all(type).map(({ sql }) => String(sql));
  }

  /**
   * All rows in the order of their numbers, a page at a time; whole numbers as bigint.
   * @param options `rows`: how many make a page; `select`: the SELECT of one page, whose column `row` has to be the
   * number of its last row; absent: all columns, and the number of each row
   */
  *pages(
    { rows, select = (page) => `SELECT * FROM ${page}` }: { rows: number; select?: (page: string) => string },
  ): Generator<Record<string, SQLOutputValue>[], undefined> {
    const page = `(SELECT rowid AS row, * FROM events WHERE rowid > ? ORDER BY rowid LIMIT ${rows})`;
    const statement = this.#database.prepare(select(page));
    statement.setReadBigInts(true); // Otherwise a number that JavaScript cannot represent would be an error.
    for (let last: SQLOutputValue | undefined = Number.MIN_SAFE_INTEGER;;) {
      const found: Record<string, SQLOutputValue>[] = statement.all(last);
      last = found.at(-1)?.["row"];
      if (last === undefined || last === null) return;
      yield found;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
