import assert from "node:assert/strict";
import { StatsLine } from "../../src/serve/stats_line.ts";
import { captureLog } from "../support/captured_log.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const MIB = 1024 * 1024;

/** Beats until `seconds` have passed, the n-th (from 1) of them `lateMs(n)` late. @returns what was logged, without times */
async function beatFor(seconds: number, lateMs: (n: number) => number, { held = 0 } = {}): Promise<string[]> {
  using log = captureLog();
  const clock = new SimulatedClock();
  const endMs = clock.monotonic() + seconds * 1_000;
  let n = 0;
  const usage = () => ({ rss: 80 * MIB, heapUsed: (20 + n % 10) * MIB });
  const statsLine = new StatsLine({ clock, usage, counts: () => ({ pods: 7, heldDeletions: held || undefined }) });
  while (clock.monotonic() <= endMs) {
    const outcome = await statsLine.step(new AbortController().signal);
    assert.equal(outcome.kind, "again");
    if (outcome.kind === "again") await clock.advance(outcome.atMs - clock.monotonic() + lateMs(++n));
  }
  return log.lines;
}

Deno.test("once a minute one line says what the process holds and how late its event loop was", async () => {
  const lines = await beatFor(121, (n) => n === 100 ? 40 : n < 200 && n % 20 === 0 ? 9 : 0);
  assert.deepEqual(lines, [
    "info    stats: Stats rssMiB=80 heapMiB=20 delayP99Ms=9 delayMaxMs=40 pods=7",
    "info    stats: Stats rssMiB=80 heapMiB=20 delayP99Ms=0 delayMaxMs=0 pods=7",
  ]);
});

Deno.test("an event loop that stands still for longer than a minute is told once it goes on", async () => {
  const lines = await beatFor(100, (n) => n === 10 ? 90_000 : 0);
  assert.deepEqual(lines, [
    "info    stats: Stats rssMiB=80 heapMiB=20 delayP99Ms=90000 delayMaxMs=90000 pods=7",
  ]);
});

Deno.test("deletions that the brake holds are told for as long as there are any", async () => {
  const lines = await beatFor(61, () => 0, { held: 140 });
  assert.deepEqual(lines, [
    "info    stats: Stats rssMiB=80 heapMiB=20 delayP99Ms=0 delayMaxMs=0 pods=7 heldDeletions=140",
  ]);
});

Deno.test("who measures is told how late each look was", async () => {
  const clock = new SimulatedClock();
  const delays: number[] = [];
  const statsLine = new StatsLine({ clock, usage: () => ({ rss: 0, heapUsed: 0 }), delayed: (ms) => delays.push(ms) });
  for (const lateMs of [0, 30]) {
    await statsLine.step(new AbortController().signal);
    await clock.advance(200 + lateMs);
  }
  await statsLine.step(new AbortController().signal);
  assert.deepEqual(delays, [0, 0, 30]);
});
