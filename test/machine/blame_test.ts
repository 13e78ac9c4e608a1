import assert from "node:assert/strict";
import { blameForFailure, blameForWaiting } from "../../src/machine/blame.ts";
import { NOT_CREATED } from "../../src/machine/waiting.ts";

for (
  const [reason, side] of [
    [NOT_CREATED, "us"],
    ["Unschedulable: 0/4 nodes are available: 4 Insufficient cpu.", "cluster"],
    [
      "Unschedulable: 0/4 nodes are available: 2 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector.",
      "cluster",
    ],
    ["Unschedulable: 0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector.", "template"],
    ['container a: ImagePullBackOff: Back-off pulling image "x"', "template"],
    ["container a: ErrImagePull: dial tcp: lookup registry: no such host", "cluster"],
    ['container a: CreateContainerConfigError: secret "x" not found', "template"],
    ["container a: ContainerCreating", "cluster"],
    ["node n has not made ready the pod's volumes, sandbox or network (PodReadyToStartContainers is False)", "cluster"],
    ["ContainersNotReady: containers with unready status: [a]", "template"],
  ] as const
) {
  Deno.test(`'${reason}' is a matter of ${side}`, () => assert.equal(blameForWaiting(reason), side));
}

Deno.test("that a machine was not up in time is the matter of what it waited for", () => {
  assert.equal(blameForFailure("too_late", "Not running after 300 s: Unschedulable: no room"), "cluster");
  assert.equal(blameForFailure("too_late", "Not ready after 300 s: ContainersNotReady: x"), "template");
  assert.equal(blameForFailure("taken_away", "The cluster took the pod away: Evicted"), "cluster");
  assert.equal(blameForFailure("deleted_by_others", "The pod was deleted"), "others");
});
