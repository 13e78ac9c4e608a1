import assert from "node:assert/strict";
import { OwnAges } from "../../../src/watchers/timeouts/own_ages.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";

Deno.test("what this process saw first is as old as the monotonic clock says, whatever the host's is set to", async () => {
  const clock = new SimulatedClock();
  const ages = new OwnAges(clock);
  const seenAt = clock.now() / 1000;
  assert.equal(ages.of("a", seenAt), 0);
  await clock.advance(60_000);
  clock.setNow(Date.UTC(2099));
  assert.equal(ages.of("a", seenAt), 60);
  clock.setNow(0);
  assert.equal(ages.of("a", seenAt), 60);
});

Deno.test("what an earlier process saw first is as old as the host's clock says, and goes on from there", async () => {
  const clock = new SimulatedClock();
  const ages = new OwnAges(clock);
  assert.equal(ages.of("a", clock.now() / 1000 - 500), 500);
  await clock.advance(10_000);
  assert.equal(ages.of("a", clock.now() / 1000 - 9_999), 510);
});

Deno.test("what was seen at no known time, or in the future, was seen now", () => {
  const clock = new SimulatedClock();
  const ages = new OwnAges(clock);
  assert.equal(ages.of("a", undefined), 0);
  assert.equal(ages.of("b", clock.now() / 1000 + 500), 0);
});

Deno.test("what is not wanted any more begins again", async () => {
  const clock = new SimulatedClock();
  const ages = new OwnAges(clock);
  ages.of("a", undefined);
  await clock.advance(5_000);
  ages.retain((key) => key !== "a");
  assert.equal(ages.of("a", undefined), 0);
});
