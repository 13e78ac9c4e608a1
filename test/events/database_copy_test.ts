import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openEventStore } from "../../src/events/database.ts";
import { copyEvents } from "../../src/events/database_copy.ts";
import type { EventRow } from "../../src/events/rows.ts";
import { query } from "../support/events_database.ts";
import { legacyEvents } from "../support/legacy_events.ts";

const row = (id: number): EventRow => ["", "", "pod", `req-${id}`, id, "status", "created"];

Deno.test("a copy has what there was when it was begun, whatever is stored or removed meanwhile", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const [from, to] = [`${directory}/events.db`, `${directory}/copy.db`];
    const store = openEventStore(from);
    const insert = (first: number, last: number) => {
      store.begin();
      for (let id = first; id < last; id++) store.insert(row(id));
      store.commit();
    };
    insert(0, 1_000);
    const copying = copyEvents(from, to);
    const done = [copying.step()];
    insert(1_000, 2_000);
    store.removePast({ before: 500, mostBytes: Infinity });
    for (let share = 0; share < 1;) done.push(share = copying.step());
    assert.ok(copying.pages > 1);
    copying.close();
    store.close();
    assert.deepEqual(done, done.toSorted((a, b) => a - b));
    assert.ok(done.length >= 4 && done[0]! < 0.5 && done.at(-1) === 1, done.join());
    assert.deepEqual(query(to, "SELECT count(*), min(timestamp), max(timestamp) FROM events"), [[1_000, 0, 999]]);
    assert.deepEqual(query(to, "SELECT sql FROM sqlite_master").flat(), legacyEvents.schema);
    assert.deepEqual(query(to, "PRAGMA integrity_check"), [["ok"]]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a database without events is copied at once", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const from = `${directory}/events.db`;
    openEventStore(from).close();
    const copying = copyEvents(from, `${directory}/copy.db`);
    assert.equal(copying.step(), 1);
    copying.close();
    using copy = new DatabaseSync(`${directory}/copy.db`);
    assert.deepEqual(copy.prepare("SELECT * FROM events").all(), []);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
