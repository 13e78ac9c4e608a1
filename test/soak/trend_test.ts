import assert from "node:assert/strict";
import { trendOf } from "./trend.ts";

const minutes = (values: number[]) => values.map((value, i) => ({ ms: i * 60_000, value }));

Deno.test("what grows by one a minute grows by sixty an hour", () => {
  const trend = trendOf(minutes([1, 2, 3, 4, 5, 6, 7, 8, 9]));
  assert.deepEqual({ ...trend, perHour: Math.round(trend?.perHour ?? 0) }, {
    start: 2,
    middle: 5,
    end: 8,
    perHour: 60,
  });
});

Deno.test("a single peak moves none of the thirds", () => {
  const trend = trendOf(minutes([5, 5, 5, 5, 5, 5, 5, 5, 500]));
  assert.deepEqual([trend?.start, trend?.middle, trend?.end], [5, 5, 5]);
});

Deno.test("nothing can be said of less than three samples", () => {
  assert.equal(trendOf(minutes([1, 2])), undefined);
});
