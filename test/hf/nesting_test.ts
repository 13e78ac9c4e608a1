import assert from "node:assert/strict";
import { isDeeperThan } from "../../src/hf/nesting.ts";

Deno.test("levels are counted through arrays and objects, however deep the rest is", () => {
  for (const flat of [null, 1, "text", undefined]) assert.ok(!isDeeperThan(0, flat));
  const two = { a: [1, null], b: 2 };
  assert.ok(isDeeperThan(1, two));
  assert.ok(!isDeeperThan(2, two));
  const n = 1_000_000;
  assert.ok(isDeeperThan(50, JSON.parse("[".repeat(n) + "]".repeat(n))));
});
