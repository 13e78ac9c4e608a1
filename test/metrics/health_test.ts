import assert from "node:assert/strict";
import { Health } from "../../src/metrics/health.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const owner = { tenure: () => ({ isOwner: true }), doubt: () => undefined };

Deno.test("before it has begun it lives, and is not ready", () => {
  const health = new Health(new SimulatedClock());
  assert.equal(health.live().isGood, true);
  assert.deepEqual(health.ready(), { isGood: false, reasons: ["It is starting"] });
  assert.equal(health.overall().isGood, false);
});

Deno.test("an owner with a fresh view is ready; trouble with the lease is told", () => {
  const health = new Health(new SimulatedClock());
  health.judgeBy(owner);
  assert.deepEqual(health.overall(), { isGood: true, reasons: [] });
  health.judgeBy({ ...owner, tenure: () => ({ isOwner: true, trouble: "the lease cannot be renewed" }) });
  assert.deepEqual(health.ready(), { isGood: true, reasons: ["Trouble: the lease cannot be renewed"] });
});

Deno.test("an owner whose view is in doubt is not ready", () => {
  const health = new Health(new SimulatedClock());
  health.judgeBy({ ...owner, doubt: () => "The cluster was last heard from 300 s ago" });
  assert.deepEqual(health.ready(), { isGood: false, reasons: ["The cluster was last heard from 300 s ago"] });
  assert.equal(health.overall().isGood, false);
});

Deno.test("a standby is not ready, and healthy", () => {
  const health = new Health(new SimulatedClock());
  health.judgeBy({ ...owner, tenure: () => ({ isOwner: false, standby: "served from b" }) });
  assert.deepEqual(health.ready(), { isGood: false, reasons: ["Standby: served from b"] });
  assert.equal(health.overall().isGood, true);
});

Deno.test("a loop that does not come to the end of a step is no life", async () => {
  const clock = new SimulatedClock();
  const health = new Health(clock);
  health.judgeBy(owner);
  health.stepBegan("pods");
  await clock.advance(599_000);
  assert.equal(health.live().isGood, true);
  await clock.advance(2_000);
  assert.deepEqual(health.live(), { isGood: false, reasons: ["Loop 'pods' has been in one step for 601 s"] });
  assert.equal(health.overall().isGood, false);
  health.stepEnded("pods");
  assert.equal(health.live().isGood, true);
});
