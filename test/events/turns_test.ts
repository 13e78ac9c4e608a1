import assert from "node:assert/strict";
import fc from "fast-check";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { openEventStore } from "../../src/events/database.ts";
import { type EventRow, rowsOf, type SpooledEvent } from "../../src/events/rows.ts";
import type { Turn } from "../../src/events/stored_events.ts";
import { readTurns } from "../../src/events/turns.ts";
import { systemFiles } from "../../src/files.ts";

const MACHINES = ["a-0", "a-19", "a-9"];
const STATUSES = ["created", "running"];

interface Told {
  machine: string;
  status: string;
  at: number;
  /** Where the event is: in both while it is being stored. */
  place: "spool" | "database" | "both";
}

const told: fc.Arbitrary<Told> = fc.record({
  machine: fc.constantFrom(...MACHINES, "b-0", "aa-1"),
  status: fc.constantFrom(...STATUSES, "ready"),
  at: fc.integer({ min: 1, max: 9 }),
  place: fc.constantFrom("spool" as const, "database" as const, "both" as const),
});

function rows({ machine: id, status, at: timestamp }: Told): EventRow[] {
  const event: SpooledEvent = { category: "pod", id, timestamp, status, node_name: "n" };
  return rowsOf(event, { skipEvents: true });
}

function expected(all: readonly Told[]): Turn[] {
  return STATUSES.flatMap((status) => {
    const firsts = MACHINES.flatMap((machine) => {
      const times = all.filter((one) => one.machine === machine && one.status === status).map(({ at }) => at);
      return times.length === 0 ? [] : [Math.min(...times)];
    });
    return firsts.length === 0
      ? []
      : [{ status, machines: firsts.length, first: Math.min(...firsts), last: Math.max(...firsts) }];
  });
}

Deno.test("each turn is told once for a machine, wherever its events are by now", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(told, { maxLength: 12 }),
      fc.boolean(),
      fc.constantFrom(undefined, "a"),
      async (some, isStored, request) => {
        const all = isStored ? some.map((one) => ({ ...one, place: "database" as const })) : some;
        const directory = Deno.makeTempDirSync();
        try {
          Deno.mkdirSync(`${directory}/events`);
          const database = openEventStore(`${directory}/events.db`);
          database.begin();
          for (const row of all.filter(({ place }) => place !== "spool").flatMap(rows)) database.insert(row);
          database.commit();
          database.close();
          const waiting = all.filter(({ place }) => place !== "database").map((
            { machine: id, status, at: timestamp },
          ) => ({ category: "pod", id, timestamp, status }));
          Deno.writeTextFileSync(`${directory}/events/batch`, JSON.stringify(waiting));
          const places = { dbfile: `${directory}/events.db`, spool: `${directory}/events`, lockWaitMs: 50 };
          const source = { files: systemFiles, ...places };
          const asked = { machines: MACHINES, request, statuses: STATUSES };
          const turns = await readTurns(source, asked, new Budget(systemClock));
          assert.deepEqual(turns.sort((one, other) => one.status < other.status ? -1 : 1), expected(all));
        } finally {
          Deno.removeSync(directory, { recursive: true });
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("what was rotated counts, too", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    for (const [name, machine, at] of [["events.1795000000000", "a-0", 5], ["events.db", "a-9", 7]] as const) {
      const database = openEventStore(`${directory}/${name}`);
      database.begin();
      for (const row of rows({ machine, status: "created", at, place: "database" })) database.insert(row);
      database.commit();
      database.close();
    }
    const source = { files: systemFiles, dbfile: `${directory}/events.db`, spool: `${directory}/none`, lockWaitMs: 50 };
    const turns = await readTurns(source, { machines: MACHINES, statuses: STATUSES }, new Budget(systemClock));
    assert.deepEqual(turns, [{ status: "created", machines: 2, first: 5, last: 7 }]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
