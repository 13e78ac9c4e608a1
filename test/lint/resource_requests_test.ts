import assert from "node:assert/strict";
import { requestOf } from "../../src/lint/resource_requests.ts";

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
