import assert from "node:assert/strict";
import { type Collect, MemoryKeeper } from "../../src/serve/memory.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** A process whose heap has 20 MiB in use; what it has used beside stays with it until a whole collection. */
function make() {
  const clock = new SimulatedClock();
  const [mib, collections]: [number, string[]] = [1024 * 1024, []];
  const process = { garbage: 0, kept: 0, fixed: 60 };
  const collect: Collect = ({ whole }) => {
    collections.push(whole ? "whole" : "quick");
    process.kept = whole ? 0 : process.kept + process.garbage;
    process.garbage = 0;
  };
  const usage = () => {
    const heapUsed = (20 + process.garbage) * mib;
    return { heapUsed, rss: heapUsed + (process.kept + process.fixed) * mib };
  };
  return { clock, process, collections, keeper: new MemoryKeeper({ clock, collect, usage }) };
}

Deno.test("garbage is collected once a minute, within ten seconds where the heap has grown, and at once where it has by much", async () => {
  const { clock, process, collections, keeper } = make();
  const { signal } = new AbortController();
  assert.deepEqual(await keeper.step(signal), { kind: "again", atMs: clock.monotonic() + 10_000 });
  process.garbage = 32;
  keeper.look();
  assert.equal(collections.length, 1);
  process.garbage = 33;
  keeper.look();
  keeper.look();
  assert.deepEqual(collections, ["quick", "quick"]);
  await clock.advance(9_999);
  assert.deepEqual(await keeper.step(signal), { kind: "again", atMs: clock.monotonic() + 1 });
  assert.equal(collections.length, 2);
  process.kept = 0;
  process.garbage = 9;
  await clock.advance(1);
  assert.deepEqual(await keeper.step(signal), { kind: "again", atMs: clock.monotonic() + 10_000 });
  assert.equal(collections.length, 3);
  process.kept = 0;
  process.garbage = 8;
  for (let s = 0; s < 50; s += 10) {
    await clock.advance(10_000);
    await keeper.step(signal);
  }
  assert.equal(collections.length, 3, "what V8 is about to collect by itself is left to it");
  await clock.advance(10_000);
  await keeper.step(signal);
  assert.equal(collections.length, 4);
});

Deno.test("what stays with the process is given back whole within ten seconds, and only where that helps", async () => {
  const { clock, process, collections, keeper } = make();
  const pass = async () => {
    await clock.advance(10_000);
    keeper.look();
    return collections.splice(0).join();
  };
  assert.equal(await pass(), "quick");
  process.garbage = 32;
  assert.equal(await pass(), "quick");
  process.garbage = 9;
  assert.equal(await pass(), "quick,whole");
  assert.equal(process.kept, 0);
  process.fixed += 100; // Not the heap's.
  assert.equal(await pass(), "quick,whole");
  assert.equal(await pass(), "");
});
