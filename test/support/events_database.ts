import { DatabaseSync } from "node:sqlite";

/** What a query on an events database gives; nothing while there is none. */
export function query(dbfile: string, sql: string): unknown[][] {
  try {
    using database = new DatabaseSync(dbfile, { readOnly: true });
    return database.prepare(sql).all().map((row) => Object.values(row));
  } catch {
    return [];
  }
}
