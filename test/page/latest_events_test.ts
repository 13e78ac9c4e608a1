import assert from "node:assert/strict";
import { epochSeconds, systemClock } from "../../src/clock.ts";
import { openEventStore } from "../../src/events/database.ts";
import { rowsOf, type SpooledEvent } from "../../src/events/rows.ts";
import { systemFiles } from "../../src/files.ts";
import { LatestEvents } from "../../src/page/latest_events.ts";

const now = epochSeconds(systemClock.now());

/** What is shown of these events. */
async function shown(events: readonly SpooledEvent[]): Promise<string[]> {
  const directory = Deno.makeTempDirSync();
  try {
    const dbfile = `${directory}/events.db`;
    const database = openEventStore(dbfile);
    database.begin();
    for (const row of events.flatMap((event) => rowsOf(event, { skipEvents: true }))) database.insert(row);
    database.commit();
    database.close();
    const source = { files: systemFiles, dbfile, spool: `${directory}/events`, lockWaitMs: 0 };
    const latest = await new LatestEvents(source, { clock: systemClock, turnMs: 10 }).look();
    return latest.map(({ at, id, what }) => `${at - now} ${id}: ${what}`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("the latest events are told in words, with names that can be looked up", async () => {
  assert.deepEqual(
    await shown([
      { category: "request", id: "req", count: 2, timestamp: now - 60 },
      { category: "return", id: "ret", count: 1, timestamp: now - 50 },
      { category: "pod", id: "req-0", status: "ready", node_name: "n1", timestamp: now - 40 },
      { category: "node", id: "n1::f3dfa76d-ec5f", status: "ready", timestamp: now - 30 },
      { category: "cluster", id: "pods", status: "away", away_reason: "refused", timestamp: now - 20 },
      { category: "pod", id: "req-1", status: "created", timestamp: now - 1_000 },
    ]),
    [
      "-20 : the cluster is away",
      "-30 n1: node ready",
      "-40 req-0: ready",
      "-50 ret: return of 1 machine",
      "-60 req: request of 2 machines",
    ],
  );
});

Deno.test("of very many events those are looked at that were stored last", async () => {
  const many = Array.from({ length: 2_100 }, (_, i) => ({
    category: "pod",
    id: `req-${i}`,
    status: "ready",
    timestamp: now - 1 - i % 2,
  }));
  const latest = await shown([{ category: "pod", id: "first", status: "ready", timestamp: now }, ...many]);
  assert.equal(latest.length, 60);
  assert.equal(latest.some((text) => text.includes("first")), false);
});
