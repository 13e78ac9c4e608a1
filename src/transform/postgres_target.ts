import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
// @ts-types="./pg_types.ts"
import { Client } from "pg";
// @ts-types="./pg_copy_streams_types.ts"
import { from as copyFrom } from "pg-copy-streams";
import { createStatement, quoted, REVISION, RUN_METADATA, RUN_TABLES, type Table } from "./tables.ts";
import { checkRevision, type RunMetadata, type Target } from "./target.ts";
import type { Cell, Row } from "./transformation.ts";

/** The number of the advisory lock that lets one run go on at a time: any number that no other program uses. */
const LOCK = 4_811_061;

/** How long connecting may take, in milliseconds. */
const CONNECT_MS = 10_000;

/** How many characters of rows are sent together. */
const TOGETHER = 64 * 1024;

/** Writes rows into a PostgreSQL database, by COPY. */
export class PostgresTarget implements Target {
  readonly #client: Client;

  /** @param url in libpq's form: `postgresql://USER:PASSWORD@HOST/DATABASE` */
  constructor(url: string) {
    this.#client = new Client({
      connectionString: url,
      application_name: "hostfactory",
      connectionTimeoutMillis: CONNECT_MS,
    });
    // A query in flight fails with the same error; without a listener the process would end.
    this.#client.on("error", () => {});
  }

  async begin(): Promise<void> {
    const client = this.#client;
    await client.connect();
    await client.query("BEGIN");
    await client.query("SET LOCAL client_min_messages = warning");
    await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    await client.query(
      "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL, " +
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    );
    const { rows: [version] } = await client.query("SELECT version_num FROM alembic_version");
    checkRevision(version?.["version_num"]);
    await client.query("INSERT INTO alembic_version VALUES ($1) ON CONFLICT DO NOTHING", [REVISION]);
    for (const table of [RUN_METADATA, ...RUN_TABLES]) await client.query(createStatement(table, { type: "SERIAL" }));
  }

  async beginRun({ cluster, platform, region, namespace, date }: RunMetadata): Promise<number> {
    const { rows: [run] } = await this.#client.query(
      `INSERT INTO run_metadata (cluster, platform, region, namespace, date) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (cluster, platform, namespace, date) DO UPDATE SET region = excluded.region RETURNING id`,
      [cluster, platform, region, namespace, date],
    );
    const id = Number(run?.["id"]);
    for (const { name } of RUN_TABLES) await this.#client.query(`DELETE FROM ${quoted(name)} WHERE run_id = $1`, [id]);
    return id;
  }

  async insert(table: Table, rows: Iterable<Row>, options: { runId: number }): Promise<number> {
    const name = quoted(table.name);
    if (!table.unique) return await this.#copy(name, table, rows, options);
    // COPY has no ON CONFLICT clause.
    const columns = table.columns.map(({ name }) => quoted(name)).join(", ");
    await this.#client.query(`CREATE TEMPORARY TABLE copied ON COMMIT DROP AS SELECT ${columns} FROM ${name} LIMIT 0`);
    await this.#copy("copied", table, rows, options);
    const { rowCount } = await this.#client.query(
      `INSERT INTO ${name} (${columns}) SELECT ${columns} FROM copied ON CONFLICT DO NOTHING`,
    );
    return rowCount ?? 0;
  }

  async #copy(
    into: string,
    { columns }: Table,
    rows: Iterable<Row>,
    { runId }: { runId: number },
  ): Promise<number> {
    const names = columns.map(({ name }) => name);
    let count = 0;
    function* text() {
      let together = "";
      for (const row of rows) {
        count++;
        together += `${names.map((name) => copied(name === "run_id" ? runId : row[name] ?? null)).join("\t")}\n`;
        if (together.length < TOGETHER) continue;
        yield together;
        together = "";
      }
      yield together;
    }
    const stream = this.#client.query(copyFrom(`COPY ${into} (${names.map(quoted).join(", ")}) FROM STDIN`));
    await pipeline(Readable.from(text(), { objectMode: false }), stream);
    return count;
  }

  async commit(): Promise<void> {
    await this.#client.query("COMMIT");
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {}); // The connection may be gone already.
  }
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "" };

/**
 * A value in the text format of COPY (source: PostgreSQL documentation, "COPY"); no text in PostgreSQL can contain a
 * NUL.
 */
function copied(cell: Cell): string {
  if (cell === null) return "\\N";
  return String(cell).replace(/[\\\t\n\r\0]/g, (character) => ESCAPES[character] ?? character);
}
