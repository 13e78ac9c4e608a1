import assert from "node:assert/strict";
import { Quantities } from "./quantities.ts";

/** What is found growing in nine minutes after one of warm-up, where each minute's value is what `valueOf` says. */
function growing(name: string, valueOf: (minute: number) => number): string[] {
  const quantities = new Quantities({ warmUpMs: 60_000 });
  for (let minute = 1; minute <= 10; minute++) quantities.note(minute * 60_000, { [name]: valueOf(minute) });
  return quantities.growing();
}

const cases: [what: string, name: string, valueOf: (minute: number) => number, grows: boolean][] = [
  ["heap that leaks", "heapMiB", (minute) => 10 + 0.2 * minute, true],
  ["heap that wavers", "heapMiB", (minute) => 10 + minute % 2, false],
  ["heap that is filled at the start", "heapMiB", (minute) => minute === 1 ? 5 : 10, false],
  ["heap that shrinks", "heapMiB", (minute) => 20 - minute, false],
  ["files that nothing removes", "files in requests", (minute) => 300 + 40 * minute, true],
  ["as many files as before", "files in requests", (minute) => 600 + 20 * (minute % 3), false],
  ["what no one said how flat it is to be", "delay max ms", (minute) => 100 * minute, false],
];
for (const [what, name, valueOf, grows] of cases) {
  Deno.test(`${what}: ${grows ? "grows" : "is flat"}`, () => {
    assert.deepEqual(growing(name, valueOf), grows ? [name] : []);
  });
}

Deno.test("a delay counts as far as it is above that of a process that does nothing", () => {
  const quantities = new Quantities({ warmUpMs: 0 });
  const statsLine = (minute: number, delayP99Ms: number) => ({
    atMs: minute * 60_000,
    heapMiB: 10,
    delayP99Ms,
    delayMaxMs: delayP99Ms,
  });
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const lines = minutes.map((minute) => statsLine(minute, 100 * minute + 5));
  quantities.noteStats(lines, { idle: minutes.map((minute) => statsLine(minute, 100 * minute)), startedMs: 0 });
  assert.deepEqual(quantities.growing(), []);
  quantities.noteStats(lines, { idle: minutes.map((minute) => statsLine(minute, 1)), startedMs: -600_000 });
  assert.deepEqual(quantities.growing(), ["delay p99 above idle ms"]);
});
