/** The legacy plug-in's own queries, and those of its operators, on its database and on ours (source: `interface-observability.md`). */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type EventStore, openEventStore } from "../../src/events/database.ts";
import { EventRecorder } from "../../src/events/recorder.ts";
import { eventsOf, rowsOf } from "../../src/events/rows.ts";
import type { NewEvent } from "../../src/events/types.ts";
import { seededRandom } from "../../src/random.ts";
import { query } from "../support/events_database.ts";
import { existingEvents, sorted } from "../support/existing_events.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

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

function inDirectory(act: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync();
  try {
    act(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Stores a spool as `watch events` does, in batches. */
function storeSpool(store: EventStore, batches: Iterable<string>): void {
  for (const text of batches) {
    store.begin();
    for (const event of eventsOf(JSON.parse(text)) ?? []) {
      for (const row of rowsOf(event, { skipEvents: true })) store.insert(row);
    }
    store.commit();
  }
}

Deno.test("on what the legacy plug-in left in its spool every query answers the same, stored by it or by us", () => {
  inDirectory((directory) => {
    const [theirs, ours] = [`${directory}/theirs.db`, `${directory}/ours.db`];
    const legacy = new DatabaseSync(theirs);
    for (const statement of existingEvents.schema) legacy.exec(statement);
    const insert = legacy.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const row of [...existingEvents.before, ...existingEvents.added]) insert.run(...row);
    legacy.close();
    const store = openEventStore(ours);
    store.begin();
    for (const row of existingEvents.before) store.insert(row);
    store.commit();
    storeSpool(store, Object.values(existingEvents.spool));
    store.close();
    for (const [name, sql] of Object.entries(QUERIES)) {
      assert.ok(query(theirs, sql).length > 0, name);
      assert.deepEqual(query(ours, sql), query(theirs, sql), name);
    }
  });
});

Deno.test("on what we record ourselves the queries answer what happened", () => {
  inDirectory((directory) => {
    const clock = new SimulatedClock();
    const now = Math.floor(clock.now() / 1000);
    const batches: string[] = [];
    const recorder = new EventRecorder({
      directory,
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
    const path = `${directory}/events.db`;
    const store = openEventStore(path);
    storeSpool(store, [...batches, ...batches]);
    store.close();
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
