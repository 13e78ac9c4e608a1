import assert from "node:assert/strict";
import { MemoryKeeper } from "../../src/serve/memory.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

Deno.test("memory is given back with each step, and again ten seconds later", async () => {
  const clock = new SimulatedClock();
  let collected = 0;
  const keeper = new MemoryKeeper({ clock, collect: () => collected++ });
  const outcome = await keeper.step(new AbortController().signal);
  assert.equal(collected, 1);
  assert.deepEqual(outcome, { kind: "again", atMs: clock.monotonic() + 10_000 });
});
