import assert from "node:assert/strict";
import { MemoryKeeper } from "../../src/serve/memory.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const MIB = 1024 * 1024;

Deno.test("memory is given back every ten seconds, and at once where the heap has grown by more than 32 MiB", async () => {
  const clock = new SimulatedClock();
  let [collected, heap] = [0, 20 * MIB];
  const collect = () => {
    collected++;
    heap = 20 * MIB;
  };
  const keeper = new MemoryKeeper({ clock, collect, heapUsed: () => heap });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      await clock.advance(250);
      assert.deepEqual(await keeper.step(new AbortController().signal), {
        kind: "again",
        atMs: clock.monotonic() + 250,
      });
    }
    return collected;
  };
  assert.equal(await pass(250), 1);
  heap += 32 * MIB;
  assert.equal(await pass(9_750), 1);
  assert.equal(await pass(250), 2);
  heap += 33 * MIB;
  assert.equal(await pass(250), 3);
  assert.equal(await pass(9_750), 3);
});
