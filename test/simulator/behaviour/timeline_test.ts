import assert from "node:assert/strict";
import { integerBetween, seededRandom } from "../../../src/random.ts";
import { Timeline } from "../../../src/simulator/behaviour/timeline.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";

Deno.test("appointments are kept in the order of their times, and of one time in the order of asking", async () => {
  const clock = new SimulatedClock();
  const timeline = new Timeline(clock);
  const random = seededRandom(7);
  const expected: [number, number][] = [];
  const kept: [number, number][] = [];
  for (let order = 0; order < 500; order++) {
    const ms = integerBetween(random, 0, 50);
    expected.push([ms, order]);
    timeline.after(ms, () => kept.push([ms, order]));
  }
  await clock.advance(50);
  assert.deepEqual(kept, expected.sort(([a, i], [b, j]) => a - b || i - j));
  timeline.stop();
});

Deno.test("an appointment that is cancelled, or comes after the stop, is not kept", async () => {
  const clock = new SimulatedClock();
  const timeline = new Timeline(clock);
  const kept: string[] = [];
  timeline.after(10, () => kept.push("cancelled")).cancel();
  timeline.after(20, () => kept.push("kept"));
  timeline.after(30, () => kept.push("too late"));
  await clock.advance(25);
  timeline.stop();
  timeline.after(1, () => kept.push("after the stop"));
  await clock.advance(100);
  assert.deepEqual(kept, ["kept"]);
  assert.equal(clock.nextMs, undefined, "nothing is left waiting");
});

Deno.test("what is to happen on a period does, until it is cancelled", async () => {
  const clock = new SimulatedClock();
  const timeline = new Timeline(clock);
  let times = 0;
  const repeated = timeline.every(10, () => times++);
  await clock.advance(35);
  repeated.cancel();
  await clock.advance(100);
  assert.equal(times, 3);
  timeline.stop();
});
