import assert from "node:assert/strict";
import { eventsOf, isBackupRequest, lineOf, rowsOf } from "../../src/events/rows.ts";
import { legacyEvents, sorted } from "../support/legacy_events.ts";

const skipEvents = true;
const base = { category: "pod", id: "req-0", timestamp: 1_795_000_000 };

/** The type and value of each row. */
function pairs(event: Record<string, unknown>, options = { skipEvents }): unknown[] {
  return rowsOf({ ...base, ...event }, options).map((row) => row.slice(5));
}

Deno.test("the legacy plug-in's batches become the rows that it made of them", () => {
  const known = new Set(sorted(legacyEvents.before));
  const rows = Object.values(legacyEvents.spool).flatMap((text) => eventsOf(JSON.parse(text)) ?? [])
    .flatMap((event) => rowsOf(event, { skipEvents }));
  const added = [...new Set(sorted(rows))].filter((row) => !known.has(row));
  assert.deepEqual(added, sorted(legacyEvents.added));
});

Deno.test("each pair is a row, with the columns in the legacy plug-in's order", () => {
  const event = { hf_namespace: "grid", hf_pod: "master-0", ...base, status: "created", node_name: "n" };
  assert.deepEqual(rowsOf(event, { skipEvents }), [
    ["grid", "master-0", "pod", "req-0", 1_795_000_000, "status", "created"],
    ["grid", "master-0", "pod", "req-0", 1_795_000_000, "node_name", "n"],
  ]);
  assert.deepEqual(rowsOf({ x: "y" }, { skipEvents }), [["", "", "", "", "", "x", "y"]]);
});

Deno.test("values are text as Python and SQLite write them", () => {
  const values: [unknown, unknown][] = [
    ["", ""],
    [4, "4"],
    [1.5, 1.5],
    [true, "1"],
    [false, "0"],
    [null, "null"],
    [[1, "é\u007f"], '[1, "\\u00e9\\u007f"]'],
    [{ b: null, a: { d: 1, c: "😀" } }, '{"a": {"c": "\\ud83d\\ude00", "d": 1}, "b": null}'],
  ];
  for (const [value, stored] of values) assert.deepEqual(pairs({ x: value }), [["x", stored]]);
});

Deno.test("a timestamp is stored as it is given; one beyond 64 bits as text", () => {
  const at = (timestamp: unknown) => rowsOf({ ...base, timestamp, x: "y" }, { skipEvents })[0]?.[4];
  assert.deepEqual([7, 1.5, "noon", 2 ** 63].map(at), [7, 1.5, "noon", "9223372036854776000"]);
});

Deno.test("whole objects are left out only where that is asked for", () => {
  const event = { event: { type: "ADDED" }, events: "{}", status: "created" };
  assert.deepEqual(pairs(event), [["status", "created"]]);
  assert.deepEqual(pairs(event, { skipEvents: false }).length, 3);
});

Deno.test("metrics, states of the cluster and requests for backups have no rows", () => {
  for (const category of ["metric", "pods-state", "nodes-state"]) assert.deepEqual(pairs({ category, x: 1 }), []);
  const backup = { sqlite_backup: "abc" };
  assert.ok(isBackupRequest(backup));
  assert.deepEqual(rowsOf(backup, { skipEvents }), []);
});

Deno.test("a batch is an array or one event; what in it is none is left out", () => {
  assert.deepEqual(eventsOf({ a: 1 }), [{ a: 1 }]);
  assert.deepEqual(eventsOf([{ a: 1 }, null, 3, [], "x", { b: 2 }]), [{ a: 1 }, { b: 2 }]);
  for (const none of [null, 3, "x", true]) assert.equal(eventsOf(none), undefined);
});

Deno.test("an event is shown as the legacy plug-in prints it: keys as they come, and states of the cluster not at all", () => {
  const event = { hf_pod: "p", category: "node", id: "é", pairs: { b: [1, null], a: true }, timestamp: 1.5 };
  const line =
    '{"hf_pod": "p", "category": "node", "id": "\\u00e9", "pairs": {"b": [1, null], "a": true}, "timestamp": 1.5}';
  assert.equal(lineOf(event), line);
  assert.equal(lineOf({ category: "pods-state", pods: [] }), undefined);
  assert.equal(lineOf({ sqlite_backup: "x" }), "Backup requested: x");
});
