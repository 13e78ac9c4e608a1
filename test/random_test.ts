import assert from "node:assert/strict";
import fc from "fast-check";
import { integerBetween, seededRandom, systemRandom } from "../src/random.ts";

Deno.test("one seed gives one sequence, another seed another", () => {
  const sequence = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random.next());
  };
  assert.deepEqual(sequence(7), sequence(7));
  assert.notDeepEqual(sequence(7), sequence(8));
});

Deno.test("random numbers are from 0 up to, not including, 1, and use that range", () => {
  for (const random of [seededRandom(1), systemRandom]) {
    const numbers = Array.from({ length: 2_000 }, () => random.next());
    assert.ok(numbers.every((number) => number >= 0 && number < 1));
    assert.ok(Math.min(...numbers) < 0.05 && Math.max(...numbers) > 0.95);
  }
});

Deno.test("a whole number between two is between them, whatever was drawn", () => {
  fc.assert(fc.property(
    fc.integer({ min: -1000, max: 1000 }),
    fc.nat(1000),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (low, span, drawn) => {
      const chosen = integerBetween({ next: () => drawn }, low, low + span);
      assert.ok(Number.isInteger(chosen) && chosen >= low && chosen <= low + span);
    },
  ));
  const drawn = new Set(Array.from({ length: 100 }, (_, i) => integerBetween({ next: () => i / 100 }, 3, 5)));
  assert.deepEqual([...drawn], [3, 4, 5]);
});
