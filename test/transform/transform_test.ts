import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/clock.ts";
import { openEventStore } from "../../src/events/database.ts";
import type { EventRow } from "../../src/events/rows.ts";
import { systemFiles } from "../../src/files.ts";
import { systemRandom } from "../../src/random.ts";
import { transform, type Transformed, type TransformOptions } from "../../src/transform/transform.ts";
import { legacyEvents } from "../support/legacy_events.ts";
import { existingRun, legacyTransformed } from "../support/legacy_transformed.ts";

interface Place {
  input: string;
  output: string;
}

/** Calls `act` with a database of these events, and one to be made. */
async function inDirectory(rows: Iterable<EventRow>, act: (place: Place) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    const events = openEventStore(`${directory}/events.db`);
    events.begin();
    for (const row of rows) events.insert(row);
    events.commit();
    events.close();
    await act({ input: `${directory}/events.db`, output: `${directory}/tables.db` });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

async function run({ input, output }: Place, options: Partial<TransformOptions> = {}): Promise<Transformed> {
  return await transform({ files: systemFiles, clock: systemClock, random: systemRandom }, {
    input,
    url: `sqlite:///${output}`,
    metadata: existingRun,
    progress: () => {},
    signal: new AbortController().signal,
    ...options,
  });
}

function rowsOf(output: string, table: string): unknown[][] {
  using database = new DatabaseSync(output, { readOnly: true });
  return database.prepare(`SELECT * FROM "${table}" ORDER BY 1`).all().map((row) => Object.values(row));
}

function pod(id: string, timestamp: number, type: string, value: string): EventRow {
  return ["", "", "pod", id, timestamp, type, value];
}

Deno.test("tables and rows are those that the legacy plug-in made of its events, to the letter", async () => {
  await inDirectory(legacyEvents.before, async (place) => {
    await run(place);
    using database = new DatabaseSync(place.output, { readOnly: true });
    const statements = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").all();
    for (const [table, { sql, rows }] of Object.entries(legacyTransformed)) {
      assert.equal(statements.find(({ name }) => name === table)?.["sql"], sql);
      assert.deepEqual(rowsOf(place.output, table), rows, table);
    }
    assert.equal(statements.length, Object.keys(legacyTransformed).length);
  });
});

Deno.test("a second time the rows of a run are replaced, by what the events say by then", async () => {
  await inDirectory(legacyEvents.before, async (place) => {
    await run(place);
    await run(place);
    for (const [table, { rows }] of Object.entries(legacyTransformed)) {
      assert.deepEqual(rowsOf(place.output, table), rows, table);
    }
    const later = openEventStore(place.input);
    later.begin();
    later.insert(pod("mxsceelk1yin-3", 1795290000, "status", "deleted"));
    later.commit();
    later.close();
    const { rows } = await run(place);
    assert.equal(rows["pod"], legacyTransformed["pod"]?.rows.length);
    const [deleted] = rowsOf(place.output, "pod").filter(([, name]) => name === "mxsceelk1yin-3");
    assert.equal(deleted?.at(-2), 1795290000);
  });
});

Deno.test("another run has rows of its own; containers that are there as those of another are counted", async () => {
  await inDirectory(legacyEvents.before, async (place) => {
    assert.deepEqual([(await run(place)).runId, (await run(place)).known], [1, 0]);
    const other = await run(place, { metadata: { ...existingRun, date: "2026-11-22 00:00:00" } });
    assert.deepEqual([other.runId, other.known, other.rows["container"], other.rows["pod"]], [2, 10, 0, 8]);
    assert.equal(rowsOf(place.output, "pod").length, 16);
  });
});

Deno.test("a run that is interrupted leaves nothing", async () => {
  await inDirectory(legacyEvents.before, async (place) => {
    for (const last of ["pod", "container", "summary"]) {
      const stop = new AbortController();
      const progress: TransformOptions["progress"] = (at) => {
        if ("table" in at && at.table === last) stop.abort();
      };
      await run(place, { progress, signal: stop.signal }).catch(() => {});
      if (last === "summary") continue;
      using database = new DatabaseSync(place.output, { readOnly: true });
      assert.deepEqual(database.prepare("SELECT name FROM sqlite_schema").all(), []);
    }
  });
});

Deno.test("of each column the first value counts, in order of time; a null is none", async () => {
  const rows = [
    pod("a", 5, "status", "ready"),
    pod("a", 3, "status", "ready"),
    pod("a", 1, "node_name", "null"),
    pod("a", 2, "node-name", "node-2"),
    pod("a", 3, "node_name", "node-1"),
    pod("b", 9, "disrupted_message", "words"),
    pod("b", 9, "name", "forged"),
  ];
  await inDirectory(rows, async (place) => {
    await run(place);
    using database = new DatabaseSync(place.output, { readOnly: true });
    const pods = database.prepare("SELECT name, ready, node_name FROM pod").all().map((row) => ({ ...row }));
    assert.deepEqual(pods, [{ name: "a", ready: 3, node_name: "node-2" }]);
  });
});

Deno.test("a value that is of no use is left out and counted, and nothing else is", async () => {
  const rows = [
    pod("a", 1, "cpu_requested", "much"),
    pod("a", 1, "cpu_limit", "1.5"),
    pod("a", 2, "container_statuses", "{"),
    pod("a", 3, "container_statuses", '{"c": {"ready": true, "started": false, "state": "Running"}}'),
  ];
  await inDirectory(rows, async (place) => {
    const { unusable } = await run(place);
    assert.equal(unusable, 2);
    using database = new DatabaseSync(place.output, { readOnly: true });
    const read = (sql: string) => database.prepare(sql).all().map((row) => Object.values(row));
    assert.deepEqual(read("SELECT name, cpu_requested, cpu_limit FROM pod"), [["a", null, 1.5]]);
    assert.deepEqual(read("SELECT name, pod_id, ready, started FROM container"), [["c", "a", 3, null]]);
  });
});

Deno.test("what cannot be transformed is said, with what to do", async () => {
  await inDirectory([], async (place) => {
    await assert.rejects(run({ ...place, input: `${place.input}.none` }), { name: "HostFactoryError", exitCode: 2 });
    await assert.rejects(run(place, { url: "mysql://user:secret@host/database" }), (error: Error) => {
      return /which database/.test(error.message) && !error.message.includes("secret");
    });
    const other = new DatabaseSync(place.output);
    other.exec("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('another')");
    other.close();
    await assert.rejects(run(place), /their revision is 'another'/);
  });
});
