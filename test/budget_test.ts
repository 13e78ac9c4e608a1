import assert from "node:assert/strict";
import { Budget } from "../src/budget.ts";
import { settled, SimulatedClock } from "./support/simulated_clock.ts";

Deno.test("a turn is spent after 15 ms, and a new one begins after a rest of a third of it", async () => {
  const clock = new SimulatedClock();
  const budget = new Budget(clock);
  clock.pass(14);
  assert.equal(budget.isSpent, false);
  clock.pass(1);
  assert.equal(budget.isSpent, true);
  const beganMs = clock.monotonic();
  await clock.runWhile(budget.breathe());
  assert.equal(clock.monotonic() - beganMs, 5);
  assert.equal(budget.isSpent, false);
});

Deno.test("the slower the work, the longer the rest, so that others always have their share", async () => {
  const clock = new SimulatedClock();
  const budget = new Budget(clock);
  clock.pass(600);
  const beganMs = clock.monotonic();
  await clock.runWhile(budget.breathe());
  assert.equal(clock.monotonic() - beganMs, 200);
});

Deno.test("without a rest it only gives way to what is due", async () => {
  const clock = new SimulatedClock();
  const budget = new Budget(clock, { restPerTurn: 0 });
  const seen: string[] = [];
  clock.after(0, () => seen.push("due"));
  clock.after(1, () => seen.push("later"));
  const breathed = budget.breathe().then(() => seen.push("breathed"));
  await clock.advance(0);
  await breathed;
  assert.deepEqual(seen, ["due", "breathed"]);
});

Deno.test("what was waited for is no work", async () => {
  const clock = new SimulatedClock();
  const budget = new Budget(clock);
  clock.pass(500);
  await settled();
  budget.begin();
  assert.equal(budget.isSpent, false);
});

Deno.test("a turn lasts as long as it is given", async () => {
  const clock = new SimulatedClock();
  const budget = new Budget(clock, { turnMs: 10, restPerTurn: 0 });
  await clock.advance(9);
  assert.equal(budget.isSpent, false);
  await clock.advance(1);
  assert.equal(budget.isSpent, true);
});
