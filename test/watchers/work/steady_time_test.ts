import assert from "node:assert/strict";
import { SteadyTime } from "../../../src/watchers/work/steady_time.ts";

Deno.test("time goes on with the clock, leaps forward are not followed, leaps back are", () => {
  const time = new SteadyTime();
  assert.equal(time.at(1_000_000, 10), 1_000_000);
  assert.equal(time.at(1_000_500, 510), 1_000_500);
  assert.equal(time.at(9_000_000, 1_010), 1_001_000);
  assert.equal(time.at(1_001_500, 1_510), 1_001_500);
  assert.equal(time.at(500_000, 2_010), 500_000);
  assert.equal(time.at(1_002_500, 2_510), 500_500);
});
