import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { openEventStore } from "../../src/events/database.ts";
import { EventReader, type EventSource, readEvents } from "../../src/events/reader.ts";
import { type EventFilter, isWanted, keyOf, type RecordedEvent } from "../../src/events/recorded.ts";
import { rowsOf, type SpooledEvent } from "../../src/events/rows.ts";
import { systemFiles } from "../../src/files.ts";
import { legacyEvents, sorted } from "../support/legacy_events.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const budget = new Budget(systemClock);

/** Calls `act` with a place of events where there are none yet. */
async function inDirectory(act: (source: EventSource) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${directory}/events`);
    const places = { dbfile: `${directory}/events.db`, spool: `${directory}/events` };
    await act({ files: systemFiles, ...places, lockWaitMs: 50 });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function store(path: string, events: readonly SpooledEvent[]): void {
  const database = openEventStore(path);
  database.begin();
  for (const row of events.flatMap((event) => rowsOf(event, { skipEvents: true }))) database.insert(row);
  database.commit();
  database.close();
}

function step(machine: string, status: string, timestamp: number): SpooledEvent {
  return { category: "pod", id: machine, status, timestamp };
}

function short({ id, timestamp, value }: RecordedEvent): string {
  return `${timestamp} ${id} ${value}`;
}

async function next(reader: EventReader): Promise<string[]> {
  return (await Array.fromAsync(reader.look())).flat().map(short);
}

Deno.test("events are read from database and spool, in order of time, and what is in both once", async () => {
  await inDirectory(async (source) => {
    store(source.dbfile, [step("b", "ready", 30), step("a", "created", 10)]);
    Deno.writeTextFileSync(`${source.spool}/1`, JSON.stringify([step("c", "created", 20), step("b", "ready", 30)]));
    Deno.writeTextFileSync(`${source.spool}/2`, JSON.stringify(step("d", "failed", 40)));
    Deno.writeTextFileSync(`${source.spool}/3`, "[{");
    Deno.writeTextFileSync(`${source.spool}/.4`, JSON.stringify(step("hidden", "failed", 40)));
    const events = await readEvents(source, {}, budget);
    assert.deepEqual(events.map(short), ["10 a created", "20 c created", "30 b ready", "40 d failed"]);
    assert.deepEqual(events[0], { category: "pod", id: "a", timestamp: 10, type: "status", value: "created" });
  });
});

Deno.test("where there is no database, no spool, or an empty file, there are no events", async () => {
  await inDirectory(async (source) => {
    assert.deepEqual(await readEvents({ ...source, spool: "/nowhere/events" }, {}, budget), []);
    Deno.writeTextFileSync(source.dbfile, "");
    assert.deepEqual(await readEvents(source, {}, budget), []);
    new DatabaseSync(source.dbfile).exec("CREATE TABLE other (a TEXT)");
    assert.deepEqual(await readEvents(source, {}, budget), []);
  });
});

Deno.test("a file that is no database is said to be none, with what to do", async () => {
  await inDirectory(async (source) => {
    Deno.writeTextFileSync(source.dbfile, "x".repeat(5_000));
    await assert.rejects(readEvents(source, {}, budget), {
      name: "HostFactoryError",
      message: `Cannot read the events in '${source.dbfile}': file is not a database`,
      hint: "if serve stores events there, move it away: it makes a new one, and what waits in the spool is not lost",
    });
  });
});

Deno.test("the legacy plug-in's database is read, to the last row", async () => {
  await inDirectory(async (source) => {
    const legacy = new DatabaseSync(source.dbfile);
    for (const statement of legacyEvents.schema) legacy.exec(statement);
    legacy.exec("BEGIN");
    const insert = legacy.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const row of legacyEvents.before) insert.run(...row);
    legacy.exec("COMMIT");
    legacy.close();
    const events = await readEvents(source, {}, budget);
    const rows = legacyEvents.before.map(([, , category, id, timestamp, type, value]) => (
      { category, id, timestamp, type, value }
    ));
    assert.deepEqual(sorted(events.map((event) => [keyOf(event)])), sorted(rows.map((event) => [keyOf(event)])));
  });
});

Deno.test("a time that is none, or that no number can hold, hides no other event", async () => {
  await inDirectory(async (source) => {
    const odd = ["", "soon", "9007199254740993"].map((timestamp) => ({ ...step("odd", "created", 0), timestamp }));
    store(source.dbfile, [...odd, step("a", "created", 10.5), step("b", "created", 11)]);
    const events = await readEvents(source, {}, budget);
    assert.deepEqual(events.map(short), ["10.5 a created", "11 b created"]);
  });
});

Deno.test("a second look gives what has come since, from spool and database, each once", async () => {
  await inDirectory(async (source) => {
    const reader = new EventReader(source, { since: 5 }, budget);
    assert.deepEqual(await next(reader), []);
    Deno.writeTextFileSync(`${source.spool}/1`, JSON.stringify([step("a", "created", 10), step("old", "ready", 4)]));
    assert.deepEqual(await next(reader), ["10 a created"]);
    // Stored, and not yet removed; then removed.
    store(source.dbfile, [step("a", "created", 10), step("b", "created", 9)]);
    assert.deepEqual(await next(reader), ["9 b created"]);
    Deno.removeSync(`${source.spool}/1`);
    assert.deepEqual(await next(reader), []);
    store(source.dbfile, [step("late", "created", 6)]);
    assert.deepEqual(await next(reader), ["6 late created"]);
  });
});

Deno.test("rotated databases are read with the one that there is, unless they are too old", async () => {
  await inDirectory(async (source) => {
    const reader = new EventReader(source, {}, budget);
    store(source.dbfile, [step("a", "created", 1_000)]);
    assert.deepEqual(await next(reader), ["1000 a created"]);
    store(source.dbfile, [step("b", "created", 2_000)]);
    Deno.renameSync(source.dbfile, source.dbfile.replace(".db", ".1700000000000"));
    store(source.dbfile, [step("c", "created", 1_800_000_000)]);
    assert.deepEqual(await next(reader), ["2000 b created", "1800000000 c created"]);
    assert.equal((await readEvents(source, { since: 500 }, budget)).length, 3);
    const later = await readEvents({ ...source }, { since: 1_700_000_001 }, budget);
    assert.deepEqual(later.map(short), ["1800000000 c created"]);
  });
});

Deno.test("a filter gives the events that a look at each would give", async () => {
  const some = <T>(values: readonly T[]) => fc.option(fc.subarray([...values]), { nil: undefined });
  const event = fc.record({
    hf_namespace: fc.constantFrom("", "x"),
    hf_pod: fc.constantFrom("", "serve-1", "serve-2"),
    category: fc.constantFrom("pod", "request"),
    id: fc.constantFrom("a", "b", "c"),
    timestamp: fc.integer({ min: 1, max: 9 }),
    status: fc.constantFrom("created", "ready"),
    count: fc.constantFrom("1", "2"),
  });
  const filter: fc.Arbitrary<EventFilter> = fc.record({
    since: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    until: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    categories: some(["pod", "request", "node"]),
    ids: some(["a", "b", "d"]),
    types: some(["status", "count"]),
    values: some(["created", "1"]),
    withoutStatuses: some(["created", "ready"]),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event), fc.array(event), filter, async (stored, spooled, filter) => {
      await inDirectory(async (source) => {
        store(source.dbfile, stored);
        Deno.writeTextFileSync(`${source.spool}/1`, JSON.stringify(spooled));
        const all = await readEvents(source, {}, budget);
        const found = await readEvents(source, filter, budget);
        const wanted = all.filter((one) => isWanted(one, filter));
        assert.deepEqual(sorted(found.map((one) => [keyOf(one)])), sorted(wanted.map((one) => [keyOf(one)])));
        assert.deepEqual(found.map((one) => one.timestamp), wanted.map((one) => one.timestamp));
      });
    }),
    { numRuns: 40 },
  );
});

Deno.test("no more rows are looked at than may be, those that were stored last", async () => {
  await inDirectory(async (source) => {
    store(source.dbfile, [step("a", "created", 10), step("b", "created", 20), step("c", "created", 30)]);
    assert.deepEqual((await readEvents({ ...source, mostRows: 1 }, {}, budget)).map(short), ["30 c created"]);
    const some = { ...source, mostUnindexedRows: 2 };
    assert.equal((await readEvents(some, {}, budget)).length, 3);
    new DatabaseSync(source.dbfile).exec("DROP INDEX events_time");
    const reader = new EventReader(some, {}, budget);
    assert.deepEqual(await next(reader), ["20 b created", "30 c created"]);
    store(source.dbfile, [step("d", "created", 5)]);
    assert.deepEqual(await next(reader), ["5 d created"]);
  });
});

Deno.test("the time between two looks is no work that is rested from", async () => {
  await inDirectory(async (source) => {
    const clock = new SimulatedClock();
    const reader = new EventReader(source, {}, new Budget(clock));
    clock.pass(3_600_000);
    Deno.writeTextFileSync(`${source.spool}/1`, JSON.stringify([step("a", "created", 10)]));
    const beganMs = clock.monotonic();
    assert.deepEqual(await clock.runWhile(next(reader)), ["10 a created"]);
    assert.equal(clock.monotonic() - beganMs, 0);
  });
});
