import assert from "node:assert/strict";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import type { State } from "../../src/page/messages.ts";
import { type Past, readPast } from "../../src/page/past.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const STATES: readonly State[] = ["creating", "pending", "running", "unknown", "succeeded", "failed", "deleted"];

/** A whole minute, after which all of this happens. */
const START = 1_795_000_020;

/** What graphs show of these events: `[machine, status, seconds after the start]`. */
async function pastOf(
  events: [id: string, status: string, after: number][],
  present: { name: string; state: State }[],
): Promise<Past | undefined> {
  const files = new MemoryFiles();
  files.makeDirectory("/events");
  const batch = events.map(([id, status, after]) => ({ category: "pod", id, status, timestamp: START + after }));
  files.writeText("/events/batch", JSON.stringify(batch));
  const source = { files, dbfile: "/events.db", spool: "/events", lockWaitMs: 0 };
  const wanted = { since: START - 3_600, until: START + 200, present, isEnded: () => false };
  return await readPast(source, wanted, new Budget(systemClock));
}

/** What there is at each sample, one after the other. */
function shown(past: Past | undefined): string[] | undefined {
  const all = past?.machines.map(({ counts }) =>
    STATES.filter((state) => (counts[state] ?? 0) > 0).map((state) => `${counts[state]} ${state}`).join(", ")
  );
  return all?.filter((text, i) => text !== all[i - 1]);
}

Deno.test("machines by state are told by the minute, from the first event until the process began", async () => {
  const past = await pastOf([
    ["a-0", "requested", 10],
    ["a-0", "created", 12],
    ["a-0", "pending", 12],
    ["a-0", "running", 70],
    ["a-1", "created", 12], // The cluster's clock is behind: nothing is taken back.
    ["a-1", "requested", 12],
    ["a-1", "failed", 130],
    ["a-2", "requested", 300],
  ], [{ name: "a-0", state: "running" }, { name: "a-1", state: "failed" }, { name: "a-2", state: "creating" }]);
  assert.deepEqual(past?.machines.map(({ at }) => at - START).slice(0, 3), [10, 20, 30]);
  assert.equal(past?.machines.at(-1)?.at, START + 200);
  assert.deepEqual(shown(past), [
    "1 creating",
    "2 pending",
    "1 pending, 1 running",
    "1 running, 1 failed",
  ]);
  assert.deepEqual(past?.starts, [{ at: START + 60, seconds: [60] }]);
});

Deno.test("machines of which events do not tell how they began ran before; those that are gone are not shown", async () => {
  const past = await pastOf([
    ["old-0", "deleted", 70],
    ["lost-0", "created", 10],
    ["lost-0", "running", 70],
    ["back-0", "unknown", 70],
    ["back-0", "running", 130],
  ], [{ name: "quiet-0", state: "running" }, { name: "over-0", state: "deleted" }, {
    name: "back-0",
    state: "running",
  }]);
  assert.deepEqual(shown(past), ["1 pending, 3 running", "1 running, 1 unknown", "2 running"]);
});

Deno.test("a machine that runs within the second of its request did not run before it", async () => {
  // The cluster tells whole seconds, so that these come first.
  const past = await pastOf([
    ["a-0", "running", 10],
    ["a-0", "created", 10],
    ["a-0", "requested", 10.7],
    ["a-1", "running", 10],
    ["a-1", "requested", 10.7],
    ["a-1", "running", 90],
  ], [{ name: "a-0", state: "running" }, { name: "a-1", state: "running" }]);
  assert.deepEqual(shown(past), ["2 running"]);
  assert.deepEqual(past?.starts, [{ at: START, seconds: [0, 0] }]);
});

Deno.test("where nothing was recorded, nothing is told", async () => {
  assert.deepEqual(await pastOf([], [{ name: "a-0", state: "running" }]), { machines: [], starts: [] });
});
