import assert from "node:assert/strict";
import fc from "fast-check";
import { amountOf } from "../../src/kube/quantity.ts";
import { amountOf as ofTheSimulator } from "../../src/simulator/protocol/quantity.ts";

Deno.test("amounts are what the simulator takes them for, which is held against a real API server", () => {
  const unit = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "e3", "E2", "e-1");
  fc.assert(fc.property(fc.nat(1_000_000), fc.nat(999), unit, (whole, fraction, unit) => {
    const text = `${whole}.${fraction}${unit}`;
    const expected = ofTheSimulator(text), actual = amountOf(text)!;
    // What is finer than 10⁻⁹ is rounded there.
    assert.ok(Math.abs(actual - expected) <= Math.max(1e-9, expected * 1e-9), `${text}: ${actual} ${expected}`);
  }));
  for (const none of ["", "x", "1 Gi", "1KiB", null, undefined, {}]) assert.equal(amountOf(none), undefined);
  assert.equal(amountOf(2), 2);
});

Deno.test("every unit of a quantity is read, and what is none is nothing", () => {
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
  for (const [text, amount] of Object.entries(amounts)) assert.ok(Math.abs(amountOf(text)! - amount) < 1e-9, text);
  for (const none of ["", "x", "1Xi", undefined, null, {}]) assert.equal(amountOf(none), undefined);
});
