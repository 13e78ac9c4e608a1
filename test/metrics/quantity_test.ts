import assert from "node:assert/strict";
import { amountOf } from "../../src/metrics/quantity.ts";

Deno.test("every unit of a quantity is read, and what is none is 0", () => {
  const amounts = {
    "500m": 0.5,
    "2": 2,
    "1.5": 1.5,
    "1Ki": 1_024,
    "1Ti": 2 ** 40,
    "1e9": 1e9,
    "100u": 1e-4,
    "3k": 3_000,
  };
  for (const [text, amount] of Object.entries(amounts)) assert.ok(Math.abs(amountOf(text) - amount) < 1e-9, text);
  for (const none of ["", "x", "1Xi", undefined, null, {}]) assert.equal(amountOf(none), 0);
});
