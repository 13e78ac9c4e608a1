import assert from "node:assert/strict";
import type { Clock } from "../../src/clock.ts";
import { Page } from "../../src/metrics/page.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

Deno.test("a page is cut into pieces of a bounded size, of which none is lost", async () => {
  const page = new Page(new SimulatedClock());
  const line = `${"ä".repeat(499)}\n`;
  await page.add(Array.from({ length: 200 }, () => line));
  await page.add(["# EOF\n"]);
  const pieces = page.end();
  assert.ok(
    pieces.length > 3 && pieces.every(({ length }) => length < 70_000),
    `${pieces.map(({ length }) => length)}`,
  );
  assert.equal(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text(), `${line.repeat(200)}# EOF\n`);
});

Deno.test("after five milliseconds of work others get their turn", async () => {
  let [now, turns] = [0, 0];
  // Each look at the clock takes a millisecond.
  const clock = { monotonic: () => now++, sleep: () => Promise.resolve(void turns++) } as unknown as Clock;
  await new Page(clock).add(Array.from({ length: 100 }, () => "line\n"));
  assert.ok(turns >= 100 / 6 && turns <= 100 / 3, `${turns} turns`);
});
