import { DatabaseSync } from "node:sqlite";
import { createStatement, quoted, REVISION, RUN_METADATA, RUN_TABLES, type Table } from "./tables.ts";
import { checkRevision, type RunMetadata, type Target } from "./target.ts";
import type { Row } from "./transformation.ts";

/** How long to wait for another program that writes to the database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

const KEY = ["cluster", "platform", "namespace", "date"] as const;

/** Writes rows into an SQLite database, which is created if it is missing. */
export class SqliteTarget implements Target {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  }

  begin(): Promise<void> {
    this.#run("BEGIN IMMEDIATE");
    this.#run(
      "CREATE TABLE IF NOT EXISTS alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t" +
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)",
    );
    checkRevision(this.#database.prepare("SELECT version_num FROM alembic_version").get()?.["version_num"]);
    this.#run("INSERT INTO alembic_version VALUES (?) ON CONFLICT DO NOTHING", REVISION);
    for (const table of [RUN_METADATA, ...RUN_TABLES]) this.#run(createStatement(table, { type: "INTEGER" }));
    return Promise.resolve();
  }

  beginRun(metadata: RunMetadata): Promise<number> {
    const where = KEY.map((column) => `${column} = ?`).join(" AND ");
    const key = KEY.map((column) => metadata[column]);
    const known = this.#database.prepare(`SELECT id FROM run_metadata WHERE ${where}`).get(...key)?.["id"];
    if (typeof known === "number") {
      for (const { name } of RUN_TABLES) this.#run(`DELETE FROM ${quoted(name)} WHERE run_id = ?`, known);
      this.#run("UPDATE run_metadata SET region = ? WHERE id = ?", metadata.region, known);
      return Promise.resolve(known);
    }
    const insert = this.#database.prepare(
      "INSERT INTO run_metadata (cluster, platform, region, namespace, date) VALUES (?, ?, ?, ?, ?)",
    );
    const { cluster, platform, region, namespace, date } = metadata;
    return Promise.resolve(Number(insert.run(cluster, platform, region, namespace, date).lastInsertRowid));
  }

  insert({ name, columns }: Table, rows: Iterable<Row>, { runId }: { runId: number }): Promise<number> {
    const names = columns.map((column) => column.name);
    const statement = this.#database.prepare(
      `INSERT INTO ${quoted(name)} (${names.map(quoted).join(", ")}) VALUES (${names.map(() => "?").join(", ")})
       ON CONFLICT DO NOTHING`,
    );
    let added = 0;
    for (const row of rows) {
      const values = names.map((column) => column === "run_id" ? runId : row[column] ?? null);
      added += Number(statement.run(...values).changes);
    }
    return Promise.resolve(added);
  }

  commit(): Promise<void> {
    this.#run("COMMIT");
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#database.close();
    return Promise.resolve();
  }

  /** As `exec` does, with errors that say which they are. */
  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}
