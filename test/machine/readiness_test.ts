import assert from "node:assert/strict";
import type { Pod, PodCondition, PodStatus } from "../../src/kube/types.ts";
import { hasBeenUp, needsReady, phaseOf } from "../../src/machine/readiness.ts";
import { ourPod } from "../support/memory_dependencies.ts";

const noted = (text: string): Pod =>
  ourPod("a-0", { phase: "Running" }, { annotations: { "symphony/hostfactory-request": text } });

for (
  const [text, needs] of [
    ['{"templateId":"T","up":"Ready"}', true],
    ['{"templateId":"T"}', false],
    ['{"templateId":"\\"up\\":\\"Ready\\""}', false],
    ['{"up":"Running"}', false],
    ['{"up":', false],
    ["null", false],
    ['["up"]', false],
  ] as const
) {
  Deno.test(`a pod that carries ${text} ${needs ? "has" : "need not"} to be Ready`, () => {
    assert.equal(needsReady(noted(text)), needs);
  });
}

const at = (second: number) => `2026-11-20T00:00:0${second}Z`;
const ready = (status: PodCondition["status"], second: number): PodCondition => ({
  type: "Ready",
  status,
  lastTransitionTime: at(second),
});
const initialized: PodCondition = { type: "Initialized", status: "True", lastTransitionTime: at(2) };

for (
  const [what, status, up, phase] of [
    ["runs and is Ready", { phase: "Running", conditions: [initialized, ready("True", 5)] }, true, "Running"],
    ["runs and was never Ready", { phase: "Running", conditions: [initialized, ready("False", 2)] }, false, "Pending"],
    [
      "runs, its init containers ended late",
      {
        phase: "Running",
        conditions: [initialized, ready("False", 0)],
      },
      false,
      "Pending",
    ],
    ["runs and was Ready once", { phase: "Running", conditions: [initialized, ready("False", 7)] }, true, "Running"],
    ["runs, of which no one knows more", { phase: "Running" }, false, "Pending"],
    ["is pending", { phase: "Pending", conditions: [ready("False", 0)] }, false, "Pending"],
    ["is new", {}, false, "Pending"],
    ["failed before it was Ready", { phase: "Failed", conditions: [initialized, ready("False", 2)] }, false, "Failed"],
    ["failed after it was Ready", { phase: "Failed", conditions: [initialized, ready("False", 7)] }, true, "Failed"],
    ["has succeeded", { phase: "Succeeded" }, false, "Succeeded"],
  ] as [string, PodStatus, boolean, string][]
) {
  Deno.test(`a pod that has to be Ready and ${what} ${up ? "has been" : "was never"} up`, () => {
    const pod = { ...noted('{"up":"Ready"}'), status };
    assert.equal(hasBeenUp(pod), up);
    assert.equal(phaseOf(pod), phase);
  });
}

Deno.test("a pod that need not be Ready is up as soon as it runs", () => {
  const unready = ourPod("a-0", { phase: "Running", conditions: [initialized, ready("False", 2)] });
  assert.equal(hasBeenUp(unready), true);
  assert.equal(phaseOf(unready), "Running");
  assert.equal(hasBeenUp(ourPod("a-0")), false);
});
