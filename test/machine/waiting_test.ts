import assert from "node:assert/strict";
import fc from "fast-check";
import { givenUpAt, NOT_CREATED, NOT_SEEN, waitsFor } from "../../src/machine/waiting.ts";
import { decideTimeout } from "../../src/watchers/timeouts/decide.ts";

Deno.test("a machine that has no pod yet waits for that", () => {
  assert.equal(waitsFor({ state: "creating", entry: "pending" }, undefined), NOT_CREATED);
  assert.equal(waitsFor({ state: undefined, entry: "created" }, undefined), NOT_SEEN);
});

for (const state of ["running", "succeeded", "failed", "unknown", "deleted"] as const) {
  Deno.test(`a machine that is ${state} waits for nothing`, () => {
    assert.equal(waitsFor({ state, entry: "created" }, undefined), undefined);
  });
}

Deno.test("a machine is given up at the time that is told, and not before", () => {
  const seconds = fc.integer({ min: 0, max: 1_000 });
  fc.assert(
    fc.property(seconds, fc.option(seconds), seconds, seconds, seconds, (createdAt, since, timeout, grace, now) => {
      const limits = { podTimeoutSeconds: timeout, imagePullGraceSeconds: grace };
      const hindered = since === null ? undefined : { since, isCertain: false };
      const at = givenUpAt({ createdAt, hindered }, limits);
      const ages = { pod: now - createdAt, hindered: since === null ? Infinity : now - since, ended: Infinity };
      const verdict = decideTimeout({
        state: "pending",
        tombstone: undefined,
        returned: false,
        notedAt: undefined,
        pod: { uid: "u", resourceVersion: "1", privateIpAddress: "", createdAt, deletionAt: undefined, hindered },
        ages,
      }, { ...limits, now, hostNow: now });
      assert.equal(verdict === "ask", at !== undefined && now > at);
    }),
  );
});

Deno.test("while the age of a pod is not known it is not known when the machine is given up", () => {
  const limits = { podTimeoutSeconds: 300, imagePullGraceSeconds: 60 };
  assert.equal(givenUpAt({ createdAt: undefined, hindered: undefined }, limits), undefined);
});
