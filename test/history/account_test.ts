import assert from "node:assert/strict";
import type { RecordedEvent } from "../../src/events/recorded.ts";
import { Account } from "../../src/history/account.ts";
import { sentence } from "../../src/history/sentence.ts";

function pod(id: string, timestamp: number, type: string, value: string): RecordedEvent {
  return { category: "pod", id, timestamp, type, value };
}

/** What an account says of events, each with its times. */
function told(events: readonly RecordedEvent[], wanted?: string[]): string[] {
  const account = new Account({
    templateOf: (request) => request === "req" ? "crash" : undefined,
    isWanted: (what, { isStatus }) => wanted ? wanted.includes(what) : isStatus,
  });
  account.add(events);
  return account.entries().map((entry) => `${entry.from}–${entry.until} ${sentence(entry)}`);
}

Deno.test("machines of one template that fail for one reason within half a minute of each other are one entry", () => {
  const events = [0, 1, 2, 3, 4].flatMap((index) => [
    pod(`req-${index}`, 100 + 20 * index, "failed_reason", "OOMKilled"),
    pod(`req-${index}`, 100 + 20 * index, "status", "failed"),
  ]);
  assert.deepEqual(told(events), ["100–180 5 machines of ‘crash’ failed: OOMKilled"]);
});

Deno.test("another reason, another template, another step and a pause of more than half a minute begin another entry", () => {
  const events = [
    pod("req-0", 1, "status", "failed"),
    pod("req-0", 1, "failed_reason", "OOMKilled"),
    pod("req-1", 1, "status", "failed"),
    pod("req-1", 1, "failed_reason", "Evicted"),
    pod("other-0", 2, "status", "failed"),
    pod("req-2", 3, "status", "ready"),
    pod("req-3", 34, "status", "ready"),
  ];
  assert.deepEqual(told(events), [
    "1–1 1 machine of ‘crash’ failed: OOMKilled",
    "1–1 1 machine of ‘crash’ failed: Evicted",
    "2–2 1 machine failed",
    "3–3 1 machine of ‘crash’ ready",
    "34–34 1 machine of ‘crash’ ready",
  ]);
});

Deno.test("the steps of one second are told in the order of a machine's life", () => {
  const events = ["deleted", "returned", "ready", "requested"].map((step) => pod("req-0", 7, "status", step));
  assert.deepEqual(told(events).map((text) => text.split(" ").at(-1)), ["requested", "ready", "back", "deleted"]);
});

Deno.test("what goes on for longer than ten minutes is told in parts", () => {
  const events = Array.from({ length: 31 }, (_, i) => pod(`req-${i}`, 25 * i, "status", "requested"));
  assert.deepEqual(told(events), [
    "0–600 25 machines of ‘crash’ requested",
    "625–750 6 machines of ‘crash’ requested",
  ]);
});

Deno.test("a step that is repeated, as the legacy plug-in does, counts once", () => {
  const events = [5, 6, 7].map((at) => pod("req-0", at, "status", "ready"));
  assert.deepEqual(told(events), ["5–5 1 machine of ‘crash’ ready"]);
});

Deno.test("the cluster is away from one event to the next, or until now", () => {
  const cluster = (timestamp: number, type: string, value: string) => (
    { category: "cluster", id: "pods", timestamp, type, value }
  );
  const away = [cluster(10, "status", "away"), cluster(10, "away_reason", "503")];
  assert.deepEqual(told([...away, cluster(52, "status", "back")]), ["10–52 cluster away: 503"]);
  assert.deepEqual(told([...away, cluster(20, "status", "away"), cluster(52, "status", "back")]), [
    "10–52 cluster away: 503",
  ]);
  assert.deepEqual(told(away), ["10–10 cluster away, and not back yet: 503"]);
  assert.deepEqual(told([cluster(52, "status", "back")]), ["52–52 cluster back"]);
});

Deno.test("events that are no statuses are told where they are asked for, with their values", () => {
  const node = { category: "node", id: "node-1::uid", timestamp: 7, type: "eviction_empty", value: "1790000000" };
  assert.deepEqual(told([node, pod("req-0", 8, "status", "ready")], ["eviction_empty"]), [
    "7–7 1 node eviction_empty: 1790000000: node-1",
  ]);
});
