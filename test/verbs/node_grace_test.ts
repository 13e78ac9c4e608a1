import assert from "node:assert/strict";
import { nodeGrace } from "../../src/verbs/node_grace.ts";

const now = 1_795_000_000;
/** Our clock is nowhere near that of the cluster. */
const time = { now, hostNow: 1_000 };
const leaving = { uid: "u", reason: "leaving" };
const pod = { graceSeconds: 30, tolerations: () => undefined };

for (
  const [what, goneAt, grace] of [
    ["nobody says when it goes", undefined, 30],
    ["it goes later than the pod may take", now + 120, 30],
    ["it goes sooner", now + 12, 12],
    ["it should be gone", now - 5, 0],
  ] as const
) {
  Deno.test(`the grace that is left on a node: ${what}`, () => {
    assert.equal(nodeGrace(goneAt === undefined ? leaving : { ...leaving, goneAt }, pod, time), grace);
  });
}

const key = "node.kubernetes.io/unreachable";
const lostFor = (seconds: number, tolerations: unknown, { ownSeconds = seconds } = {}) => {
  const lost = { taint: key, since: now - seconds, seenAt: time.hostNow - ownSeconds };
  return nodeGrace({ ...leaving, lost }, { ...pod, tolerations: () => tolerations }, time);
};

Deno.test("a lost node's machine is gone only if the cluster's clock and ours both say that it is time", () => {
  const tolerations = [{ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }];
  assert.equal(lostFor(700, tolerations, { ownSeconds: 299 }), undefined);
  assert.equal(lostFor(299, tolerations, { ownSeconds: 700 }), undefined);
  assert.equal(lostFor(300, tolerations, { ownSeconds: 300 }), 0);
});

for (
  const [what, tolerations, limit] of [
    ["what admission gives every pod", [
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 },
      { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
    ], 300],
    ["as the legacy plug-in writes it", [{
      key,
      operator: "Exists",
      effect: "NoExecute",
      toleration_seconds: 90,
      value: null,
    }], 90],
    ["of every taint", [{ operator: "Exists", tolerationSeconds: 10 }], 10],
    [
      "of an empty value, as the taint has it",
      [{ key, operator: "Equal", effect: "NoExecute", tolerationSeconds: 10 }],
      10,
    ],
    ["none", [], 0],
    ["none that fits", [{ key, operator: "Exists", effect: "NoSchedule" }, { key, value: "x" }, {
      key: "other",
      operator: "Exists",
    }], 0],
  ] as const
) {
  Deno.test(`a lost node's machine is gone once its pod tolerates that no longer: ${what}`, () => {
    assert.equal(lostFor(limit, tolerations), 0);
    if (limit > 0) assert.equal(lostFor(limit - 1, tolerations), undefined);
  });
}

for (
  const [what, tolerations] of [
    ["its pod stays for ever", [{ key, operator: "Exists", effect: "NoExecute" }]],
    ["its pod says nothing that can be read", [7]],
    ["its pod says something else", "for ever"],
  ] as const
) {
  Deno.test(`a lost node's machine is not gone: ${what}`, () => assert.equal(lostFor(1e6, tolerations), undefined));
}
