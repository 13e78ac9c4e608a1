import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { type EventStore, openEventStore } from "../../src/events/database.ts";
import { EventRecorder } from "../../src/events/recorder.ts";
import { type EventRow, eventsOf, rowsOf } from "../../src/events/rows.ts";
import type { NewEvent } from "../../src/events/types.ts";
import { seededRandom } from "../../src/random.ts";
import { legacyEvents, sorted } from "../support/legacy_events.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** Calls `act` with the path of a database that is not there yet. */
function inDirectory(act: (path: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    act(`${directory}/events.db`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function query(path: string, sql: string): unknown[][] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all().map((row) => Object.values(row));
  } finally {
    database.close();
  }
}

function store(path: string, rows: Iterable<EventRow>): void {
  const events = openEventStore(path);
  events.begin();
  for (const row of rows) events.insert(row);
  events.commit();
  events.close();
}

Deno.test("the table and its index are the legacy plug-in's, to the letter; the journal is a log", () => {
  inDirectory((path) => {
    store(path, []);
    assert.deepEqual(
      query(path, "SELECT sql FROM sqlite_master WHERE name <> 'events_time'").flat(),
      legacyEvents.schema,
    );
    assert.deepEqual(query(path, "PRAGMA journal_mode"), [["wal"]]);
    assert.deepEqual(query(path, "PRAGMA user_version"), [[0]]);
  });
});

Deno.test("the legacy plug-in's database is gone on with, and the queries on it answer as before", () => {
  inDirectory((path) => {
    const legacy = new DatabaseSync(path);
    for (const statement of legacyEvents.schema) legacy.exec(statement);
    legacy.close();
    store(path, [...legacyEvents.before, ...legacyEvents.added, ...legacyEvents.before]);
    const all = [...legacyEvents.before, ...legacyEvents.added];
    assert.deepEqual(sorted(query(path, "SELECT * FROM events")), sorted(all));
    assert.deepEqual(query(path, "SELECT DISTINCT typeof(timestamp), typeof(value) FROM events"), [[
      "integer",
      "text",
    ]]);
  });
});

Deno.test("a small table gets an index of times; the large one of another program is left as it was", () => {
  const isIndexed = (rows: number) => {
    let answer: unknown;
    inDirectory((path) => {
      const legacy = new DatabaseSync(path);
      for (const statement of legacyEvents.schema) legacy.exec(statement);
      legacy.exec(`INSERT INTO events WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ${rows})
                   SELECT '', '', 'pod', i, i, 'status', 'ready' FROM n`);
      legacy.close();
      store(path, []);
      answer = query(path, "SELECT count(*) FROM sqlite_master WHERE name = 'events_time'")[0]?.[0];
    });
    return answer;
  };
  assert.deepEqual([isIndexed(10_000), isIndexed(10_001)], [1, 0]);
});

Deno.test("what was not committed is as if it never was", () => {
  inDirectory((path) => {
    const events = openEventStore(path);
    events.begin();
    events.insert(["", "", "pod", "req-0", 1, "status", "created"]);
    events.close();
    assert.deepEqual(query(path, "SELECT * FROM events"), []);
  });
});

Deno.test("numbers are stored as the legacy plug-in's were", () => {
  inDirectory((path) => {
    store(path, rowsOf({ category: "x", id: "y", timestamp: 1.5, a: 4, b: 1.5, c: true }, { skipEvents: true }));
    assert.deepEqual(query(path, "SELECT timestamp, value FROM events"), [[1.5, "4"], [1.5, "1.5"], [1.5, "1"]]);
  });
});

Deno.test("no event of whatever shape keeps others from being stored", () => {
  inDirectory((path) => {
    const events = openEventStore(path);
    events.begin();
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (event) => {
      const { timestamp = 1 } = event;
      for (const row of rowsOf({ ...event, timestamp }, { skipEvents: false })) events.insert(row);
    }));
    for (const timestamp of [2 ** 63, -(2 ** 70), Number.MAX_VALUE, 1e-300, true, {}, null]) {
      for (const row of rowsOf({ timestamp, "\ud800": "\udfff\0" }, { skipEvents: false })) events.insert(row);
    }
    events.commit();
    events.close();
  });
});

Deno.test("what is no database, and one that another process writes to, is said", () => {
  inDirectory((path) => {
    Deno.writeTextFileSync(path, "this is no database at all, and long enough to be looked at");
    assert.throws(() => openEventStore(path), /not a database/);
    Deno.removeSync(path);
    store(path, []);
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const events = openEventStore(path);
    assert.throws(() => events.begin(), /locked/);
    events.close();
  });
});

/** A row of so many seconds since the epoch; each is different. */
const rowAt = (seconds: number): EventRow => ["", "", "pod", `req-${seconds}`, seconds, "status", "x".repeat(200)];
const rowsAt = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => rowAt(from + i));

/** Removes all that is past. @returns how many slices that took */
function removePast(path: string, limits: { before: number; mostBytes: number }): number {
  const events = openEventStore(path);
  let slices = 0;
  while (events.removePast(limits)) slices++;
  events.close();
  return slices;
}

Deno.test("what is past is removed in slices, and its room given back; what is younger stays", () => {
  inDirectory((path) => {
    store(path, rowsAt(0, 3_000));
    const before = query(path, "PRAGMA page_count").flat()[0] as number;
    assert.ok(removePast(path, { before: 2_500, mostBytes: Infinity }) > 20);
    assert.deepEqual(query(path, "SELECT min(timestamp), count(*) FROM events"), [[2_500, 500]]);
    assert.ok((query(path, "PRAGMA page_count").flat()[0] as number) < before / 2);
    assert.equal(removePast(path, { before: 2_500, mostBytes: Infinity }), 0);
  });
});

Deno.test("what is beyond the size goes, the first that was stored first, whatever it says when it was", () => {
  inDirectory((path) => {
    store(path, [
      ...Array.from({ length: 150 }, (_, i): EventRow => ["", "", "", String(i), "", "a", "b"]),
      ...rowsAt(0, 3_000),
    ]);
    const mostBytes = 400_000;
    removePast(path, { before: -Infinity, mostBytes });
    const [[first, count] = []] = query(path, "SELECT min(timestamp), count(*) FROM events") as [number, number][];
    assert.equal(first, 3_000 - (count ?? 0), "the youngest are left");
    assert.ok((count ?? 0) > 100);
    const [used] = query(path, "SELECT (SELECT page_count FROM pragma_page_count) * 4096").flat() as number[];
    assert.ok((used ?? 0) <= mostBytes * 1.2, `${used}`);
  });
});

Deno.test("a database of the legacy plug-in's is kept small, too: its room is used again", () => {
  inDirectory((path) => {
    const legacy = new DatabaseSync(path);
    for (const statement of legacyEvents.schema) legacy.exec(statement);
    legacy.close();
    store(path, rowsAt(0, 2_000));
    const [before] = query(path, "PRAGMA page_count").flat();
    removePast(path, { before: 2_000, mostBytes: Infinity });
    store(path, rowsAt(2_000, 3_900));
    assert.ok(Number(query(path, "PRAGMA page_count").flat()[0]) <= Number(before));
  });
});

/** What the legacy plug-in asks its database, and its operators ask it (source: `interface-observability.md`). */
const first = (word: string) =>
  `(SELECT id, min(timestamp) AS at FROM events WHERE category = 'pod' AND type = 'status' AND value = '${word}' GROUP BY id)`;
const timings = (from: string, to: string) =>
  `SELECT count(*), round(avg(t.at - f.at), 4) FROM ${first(from)} f JOIN ${first(to)} t USING (id)`;

/** What `hostfactory-admin get-timings` and `replay` ask, and what the transform reads. */
const QUERIES = {
  "get-timings created running": timings("created", "running"),
  "get-timings requested running": timings("requested", "running"),
  replay: `SELECT category, id, value, timestamp FROM events WHERE type = 'input' AND category IN
     ('template', 'request-status', 'return-request', 'request', 'return') ORDER BY timestamp, category, id`,
  "machines by last word": `SELECT value, count(DISTINCT id) FROM events WHERE category = 'pod' AND type = 'status'
     GROUP BY value ORDER BY value`,
  "machines of requests": `SELECT e.id, e.value, count(DISTINCT m.id) FROM events e JOIN events m ON m.value = e.id
     WHERE e.category = 'request' AND e.type = 'count' AND m.type = 'request_id' GROUP BY e.id ORDER BY e.id`,
  "first value of each column": `SELECT category, id, type, value, min(timestamp) FROM events
     WHERE type NOT IN ('event', 'events') GROUP BY category, id, type, value ORDER BY category, id, type, value`,
};

/** Stores a spool as `watch events` does, in batches. */
function storeSpool(events: EventStore, batches: Iterable<string>): void {
  for (const text of batches) {
    events.begin();
    for (const event of eventsOf(JSON.parse(text)) ?? []) {
      for (const row of rowsOf(event, { skipEvents: true })) events.insert(row);
    }
    events.commit();
  }
}

Deno.test("on what the legacy plug-in left in its spool every query answers the same, stored by it or by us", () => {
  inDirectory((ours) => {
    const theirs = `${ours}.theirs`;
    const legacy = new DatabaseSync(theirs);
    for (const statement of legacyEvents.schema) legacy.exec(statement);
    const insert = legacy.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const row of [...legacyEvents.before, ...legacyEvents.added]) insert.run(...row);
    legacy.close();
    const events = openEventStore(ours);
    events.begin();
    for (const row of legacyEvents.before) events.insert(row);
    events.commit();
    assert.deepEqual(query(ours, QUERIES["get-timings created running"]), [[6, 1.6667]], "the figure of the first run");
    storeSpool(events, Object.values(legacyEvents.spool));
    events.close();
    for (const [name, sql] of Object.entries(QUERIES)) {
      assert.ok(query(theirs, sql).length > 0, name);
      assert.deepEqual(query(ours, sql), query(theirs, sql), name);
    }
  });
});

Deno.test("on what we record ourselves the queries answer what happened", () => {
  inDirectory((path) => {
    const clock = new SimulatedClock();
    const now = Math.floor(clock.now() / 1000);
    const batches: string[] = [];
    const recorder = new EventRecorder({
      directory: "",
      write: (_path, text) => void batches.push(text),
      clock,
      random: seededRandom(1),
      metadata: { hf_pod: "master-0" },
    });
    const step = (id: string, status: "created" | "running" | "deleted", at: number): NewEvent => (
      { category: "pod", id, pairs: { status }, at: now + at }
    );
    recorder.record([
      { category: "request", id: "req", pairs: { count: 2, template_id: "T" }, at: now },
      ...["req-0", "req-1"].map((id): NewEvent => (
        { category: "pod", id, pairs: { status: "requested", request_id: "req", template_id: "T" }, at: now }
      )),
    ]);
    recorder.record([step("req-0", "created", 1), step("req-1", "created", 1)]);
    recorder.record([step("req-0", "running", 3), step("req-1", "running", 4), step("req-1", "deleted", 9)]);
    const events = openEventStore(path);
    storeSpool(events, [...batches, ...batches]);
    events.close();
    assert.deepEqual(query(path, QUERIES["get-timings created running"]), [[2, 2.5]]);
    assert.deepEqual(query(path, QUERIES["get-timings requested running"]), [[2, 3.5]]);
    assert.deepEqual(query(path, QUERIES["machines of requests"]), [["req", "2", 2]]);
    assert.deepEqual(sorted(query(path, QUERIES["machines by last word"])), [
      '["created",2]',
      '["deleted",1]',
      '["requested",2]',
      '["running",2]',
    ]);
  });
});

Deno.test("what is in the log is moved into the database, and written over only once nothing holds it", () => {
  inDirectory((path) => {
    const events = openEventStore(path);
    const add = (from: number, to: number) => {
      events.begin();
      for (const row of rowsAt(from, to)) events.insert(row);
      events.commit();
    };
    /** It has another with each log that is begun. */
    const salt = () => Deno.readFileSync(`${path}-wal`).slice(16, 24).join();
    add(0, 100);
    assert.equal(events.changes, 100);
    const first = salt();
    const moving = events.moveLog();
    assert.equal(events.changes, 0);
    add(100, 101);
    moving.move();
    const rest = events.moveLog();
    rest.move();
    add(101, 102);
    assert.equal(salt(), first, "the log is held");
    for (const one of [moving, rest]) one.end();
    const last = events.moveLog();
    last.move();
    last.end();
    Deno.copyFileSync(path, `${path}-alone`);
    assert.deepEqual(query(`${path}-alone`, "SELECT count(*) FROM events"), [[102]]);
    add(102, 103);
    assert.notEqual(salt(), first);
    events.close();
    assert.deepEqual(query(path, "SELECT count(*) FROM events"), [[103]]);
  });
});
