import assert from "node:assert/strict";
import type { JudgedRegistration } from "../../../src/extensions/registry.ts";
import type { ExtensionStatus } from "../../../src/kube/types.ts";
import { extensionStatus, statusMark } from "../../../src/watchers/extensions/status.ts";

const registration = { kind: "resource", name: "a", uid: "1" } as const;

function judged(verdict: JudgedRegistration["verdict"], ...messages: string[]): JudgedRegistration {
  const problems = messages.map((message) => ({ name: "a", severity: "error" as const, message }));
  return { registration, name: "a", extension: undefined, problems, verdict };
}

function status(one: JudgedRegistration, before?: ExtensionStatus, calls?: { lastCallMs: number; failures: number }) {
  const resource = { metadata: { name: "a", generation: 3 }, ...(before ? { status: before } : {}) };
  return extensionStatus(resource, one, { nowMs: 1_000_500, calls });
}

Deno.test("a status says whether the registration is accepted and why not, since when, and how calls went", () => {
  assert.deepEqual(status(judged("broken", "one", "two"), undefined, { lastCallMs: 999, failures: 2 }), {
    conditions: [{
      type: "Accepted",
      status: "False",
      reason: "Invalid",
      message: "one; two",
      lastTransitionTime: "1970-01-01T00:16:40Z",
      observedGeneration: 3,
    }],
    lastCall: "1970-01-01T00:00:00Z",
    failures: 2,
    message: "one; two",
  });
});

Deno.test("the time of the last change stays while the answer does, and calls from before are kept", () => {
  const before = status(judged("accepted"), undefined, { lastCallMs: 0, failures: 1 });
  before.conditions![0]!.lastTransitionTime = "1970-01-01T00:00:01Z";
  assert.deepEqual(status(judged("accepted"), before), before);
  assert.equal(status(judged("loop"), before).conditions?.[0]?.lastTransitionTime, "1970-01-01T00:16:40Z");
});

Deno.test("two that differ in nothing but since when say the same", () => {
  const one = status(judged("accepted"));
  const other = structuredClone(one);
  other.conditions![0]!.lastTransitionTime = "x";
  assert.equal(statusMark(one), statusMark(other));
  assert.notEqual(statusMark(one), statusMark(status(judged("loop", "x"))));
  assert.notEqual(statusMark(undefined), statusMark(one));
});

Deno.test("a message is cut", () => {
  assert.equal(status(judged("broken", "x".repeat(10_000))).message?.length, 2_000);
});
