/** Against a real PostgreSQL server, from Debian's package; without one all of it is skipped. */
import assert from "node:assert/strict";
// @ts-types="../../src/transform/pg_types.ts"
import { Client } from "pg";
import { systemClock } from "../../src/clock.ts";
import { openEventStore } from "../../src/events/database.ts";
import { systemFiles } from "../../src/files.ts";
import { systemRandom } from "../../src/random.ts";
import { transform, type Transformed } from "../../src/transform/transform.ts";
import { eventually } from "../support/deadline.ts";
import { legacyEvents } from "../support/legacy_events.ts";
import { existingRun, legacyTransformed } from "../support/legacy_transformed.ts";
import { Postgres, postgresIsThere } from "../support/postgres.ts";

interface Place {
  input: string;
  postgres: Postgres;
  /** Another connection to the database. */
  other: Client;
}

function postgresTest(name: string, body: (place: Place) => Promise<void>): void {
  const ignore = !postgresIsThere;
  Deno.test(ignore ? `${name} (SKIPPED: no PostgreSQL)` : name, { ignore }, async () => {
    const directory = Deno.makeTempDirSync();
    try {
      const input = `${directory}/events.db`;
      const events = openEventStore(input);
      events.begin();
      for (const row of legacyEvents.before) events.insert(row);
      // What COPY has a meaning for, and what PostgreSQL cannot hold.
      events.insert(["", "", "template", "odd", 1, "output", "a\tb\nc\\d\\N\r\0é"]);
      events.commit();
      events.close();
      await using postgres = await Postgres.start();
      const other = new Client({
        connectionString: postgres.url,
        application_name: "test",
        connectionTimeoutMillis: 0,
      });
      other.on("error", () => {});
      await other.connect();
      try {
        await body({ input, postgres, other });
      } finally {
        await other.end();
      }
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  });
}

async function run({ input, postgres }: Place, url = postgres.url): Promise<Transformed> {
  return await transform({ files: systemFiles, clock: systemClock, random: systemRandom }, {
    input,
    url,
    metadata: existingRun,
    progress: () => {},
    signal: new AbortController().signal,
  });
}

async function rowsOf(other: Client, table: string): Promise<unknown[][]> {
  const { rows } = await other.query(`SELECT * FROM ${table} ORDER BY 1`);
  return rows.map((row) => Object.values(row));
}

async function assertIsExisting(other: Client): Promise<void> {
  for (const [table, { rows }] of Object.entries(legacyTransformed)) {
    const found = await rowsOf(other, table);
    // A second run has other numbers.
    const withoutId = (rows: unknown[][]) => table === "alembic_version" ? rows : rows.map((row) => row.slice(1));
    const expected = table === "template" ? [["odd", 1, "a\tb\nc\\d\\N\ré"], ...withoutId(rows)] : withoutId(rows);
    assert.deepEqual(withoutId(found), expected, table);
  }
}

postgresTest(
  "the rows are those of SQLite, the tables those of the legacy plug-in; a second run adds nothing",
  async (place) => {
    const { other } = place;
    await run(place);
    await assertIsExisting(other);
    const { rows } = await other.query(
      `SELECT table_name, string_agg(column_name, ',' ORDER BY ordinal_position) AS columns FROM information_schema.columns
     WHERE table_schema = 'public' GROUP BY table_name`,
    );
    const columns = Object.fromEntries(rows.map(({ table_name, columns }) => [table_name, columns]));
    const expected = Object.entries(legacyTransformed).map(([table, { columns }]) => [table, columns.join(",")]);
    assert.deepEqual(columns, Object.fromEntries(expected));
    const { rows: types } = await other.query(
      `SELECT data_type AS type, column_default AS start FROM information_schema.columns WHERE table_name = 'pod'
     AND column_name IN ('id', 'name', 'cpu_limit', 'ready') ORDER BY ordinal_position`,
    );
    assert.deepEqual(types.map(({ type, start }) => [type, start]), [
      ["integer", "nextval('pod_id_seq'::regclass)"],
      ["character varying", null],
      ["double precision", null],
      ["integer", null],
    ]);
    const { rows: constraints } = await other.query("SELECT conname FROM pg_constraint WHERE connamespace = 2200");
    const names = constraints.map(({ conname }) => conname);
    for (const name of ["pod_pkey", "pod_run_id_fkey", "container_pod_id_name_key", "alembic_version_pkc"]) {
      assert.ok(names.includes(name), `${name} is among ${names}`);
    }
    await run(place);
    await assertIsExisting(other);
  },
);

postgresTest(
  "a backend that is terminated in the middle leaves nothing half, and the run is done all the same",
  async (place) => {
    const { other } = place;
    await run(place);
    await other.query("DELETE FROM template");
    // Between one table and the next the run waits for a lock that we hold.
    await other.query(`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END'`);
    await other.query("CREATE TRIGGER hold BEFORE INSERT ON request FOR EACH ROW EXECUTE FUNCTION hold()");
    await other.query("SELECT pg_advisory_lock(42)");
    const running = run(place);
    const ours = "FROM pg_stat_activity WHERE application_name = 'hostfactory' AND wait_event_type = 'Lock'";
    await eventually("a run that waits", async () => (await other.query(`SELECT pid ${ours}`)).rows.length === 1);
    await other.query(`SELECT pg_terminate_backend(pid) ${ours}`);
    assert.equal((await rowsOf(other, "template")).length, 0);
    assert.equal((await rowsOf(other, "pod")).length, legacyTransformed["pod"]?.rows.length);
    await other.query("SELECT pg_advisory_unlock(42)");
    const { rows } = await running;
    assert.equal(rows["pod"], legacyTransformed["pod"]?.rows.length);
    await assertIsExisting(other);
  },
);

postgresTest("two runs at once are one after the other", async (place) => {
  await Promise.all([run(place), run(place), run(place)]);
  await assertIsExisting(place.other);
});

postgresTest(
  "what the user may not do is said, without the password",
  async (place) => {
    await place.other.query("CREATE ROLE reader LOGIN PASSWORD 'se%cret'");
    await place.other.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    const url = `postgresql+psycopg2://reader:se%25cret@127.0.0.1:${place.postgres.port}/postgres`;
    const isSaid = (what: RegExp) => (error: Error) => what.test(error.message) && !/cret/.test(error.message);
    await assert.rejects(
      run(place, url),
      isSaid(/^Cannot write to the database: permission denied/),
    );
  },
);
