import assert from "node:assert/strict";
import fc from "fast-check";
import { decideRemovals, type FinishedEntry, isOver } from "../../../src/watchers/gc/retention_policy.ts";

const over = { state: "deleted", hasPod: false, beingReturned: false, needsState: true } as const;
for (
  const [facts, expected] of [
    [{}, true],
    [{ state: "failed" }, true],
    [{ state: "succeeded" }, true],
    [{ state: "running" }, false],
    [{ state: "creating" }, false],
    [{ state: "unknown" }, false],
    [{ state: undefined }, false],
    [{ state: undefined, needsState: false }, true],
    [{ hasPod: true }, false],
    [{ beingReturned: true }, false],
  ] as const
) {
  Deno.test(`a machine with ${JSON.stringify(facts)} is ${expected ? "over" : "not over"}`, () => {
    assert.equal(isOver({ ...over, ...facts }), expected);
  });
}

const limits = { now: 1_000, retainSeconds: 100, retainMachines: 100 };
const past = (name: string, endedAt: number, others: Partial<FinishedEntry> = {}): FinishedEntry => ({
  name,
  endedAt,
  kind: "request",
  machines: 1,
  ...others,
});
const names = (ended: FinishedEntry[], others: Partial<typeof limits> = {}) =>
  decideRemovals(ended, { ...limits, ...others }).map(({ name }) => name);

Deno.test("what is as old as is retained goes, the oldest first; what is younger by a second stays", () => {
  assert.deepEqual(names([past("c", 901), past("b", 900), past("a", 10)]), ["a", "b"]);
});

Deno.test("of too many machines, requests or return requests those go that ended first", () => {
  const ended = [past("a", 951, { machines: 40 }), past("b", 952, { machines: 40 }), past("c", 953, { machines: 60 })];
  assert.deepEqual(names(ended), ["a"]);
  const kinds = ["request", "return", "request", "return"] as const;
  const some = kinds.map((kind, i) => past(`${kind}-${i}`, 951 + i, { kind }));
  assert.deepEqual(names(some, { retainMachines: 11 }), []);
  assert.deepEqual(names(some, { retainMachines: 10 }), ["request-0", "return-1"]);
});

Deno.test("within one second return requests go before the requests of their machines", () => {
  assert.deepEqual(names([past("a", 1), past("r", 1, { kind: "return" })]), ["r", "a"]);
});

Deno.test("a file counts by itself", () => {
  const files = Array.from({ length: 101 }, (_, i) => past(`f${i}`, 950 + i % 50, { kind: "file" }));
  assert.deepEqual(names(files), ["f0"]);
});

Deno.test("whatever has ended: what stays is young, not too much, and ended after all that goes", () => {
  const one = fc.record({
    name: fc.string(),
    kind: fc.constantFrom("request" as const, "return" as const),
    endedAt: fc.integer({ min: 800, max: 1_000 }),
    machines: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(fc.property(fc.array(one, { maxLength: 60 }), (ended) => {
    const going = decideRemovals(ended, limits);
    const staying = ended.filter((past) => !going.includes(past));
    const newest = Math.max(...going.map(({ endedAt }) => endedAt));
    const requests = staying.filter(({ kind }) => kind === "request");
    assert.ok(staying.every(({ endedAt }) => endedAt >= newest && endedAt > 900));
    assert.ok(requests.length <= 10 && staying.length - requests.length <= 10);
    assert.ok(requests.reduce((sum, { machines }) => sum + machines, 0) <= 100);
  }));
});
