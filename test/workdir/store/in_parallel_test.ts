import assert from "node:assert/strict";
import { inParallel } from "../../../src/workdir/store/in_parallel.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";

Deno.test("all is done, 16 at a time", async () => {
  const clock = new SimulatedClock();
  const beganMs = clock.monotonic();
  const done: number[] = [];
  let [underWay, most] = [0, 0];
  await clock.runWhile(inParallel(Array.from({ length: 100 }, (_, i) => i), async (i) => {
    most = Math.max(most, ++underWay);
    await clock.sleep(10);
    underWay--;
    done.push(i);
  }));
  assert.equal(most, 16);
  assert.deepEqual(done, Array.from({ length: 100 }, (_, i) => i));
  assert.equal(clock.monotonic() - beganMs, 70);
});

Deno.test("what goes wrong with one holds up no other, and is thrown once all is done", async () => {
  const done: number[] = [];
  const act = async (i: number) => {
    await Promise.resolve();
    if (i % 10 === 3) throw new Error(`no ${i}`);
    done.push(i);
  };
  await assert.rejects(inParallel(Array.from({ length: 40 }, (_, i) => i), act), { message: "no 3" });
  assert.equal(done.length, 36);
});

Deno.test("nothing to do is done", async () => {
  await inParallel([], () => Promise.reject(new Error("never called")));
});
