import assert from "node:assert/strict";
import fc from "fast-check";
import { amountOf, requestOf } from "../../src/lint/resource_requests.ts";
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

const cpu = (amount: string, more: object = {}) => ({ resources: { requests: { cpu: amount } }, ...more });

for (
  const [what, spec, expected] of [
    ["the sum of the containers", { containers: [cpu("1"), cpu("500m")] }, 1.5],
    ["its limit for one that requests nothing", { containers: [{ resources: { limits: { cpu: "2" } } }] }, 2],
    ["the largest init container if that is more", { containers: [cpu("1")], initContainers: [cpu("3"), cpu("2")] }, 3],
    ["sidecars beside the containers", {
      containers: [cpu("1")],
      initContainers: [cpu("1", { restartPolicy: "Always" })],
    }, 2],
    ["sidecars beside the init containers after them", {
      containers: [cpu("1")],
      initContainers: [cpu("1", { restartPolicy: "Always" }), cpu("3")],
    }, 4],
    ["what the pod as a whole says", { containers: [cpu("1")], resources: { requests: { cpu: "5" } } }, 5],
    ["nothing if no one says", { containers: [{}, { resources: null }] }, undefined],
  ] as const
) {
  Deno.test(`a pod requests ${what}`, () => {
    assert.equal(requestOf(structuredClone(spec) as unknown as Parameters<typeof requestOf>[0], "cpu"), expected);
  });
}
