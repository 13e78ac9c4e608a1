import assert from "node:assert/strict";
import { GROUPINGS, type Machine, stateText } from "../../page/machine.ts";

const machine = { state: "running", node: "", zone: "", since: 100 } as Machine;

Deno.test("a machine that runs is not said to be on no node where its node is not known yet", () => {
  assert.equal(GROUPINGS.node(machine), "node not known");
  assert.equal(GROUPINGS.node({ ...machine, state: "pending" }), "on no node");
  assert.equal(GROUPINGS.node({ ...machine, node: "n1" }), "n1");
});

Deno.test("what lasts is told by its length, what is over by when it came", () => {
  assert.equal(stateText(machine, 130), "running for 30 s");
  assert.equal(stateText({ ...machine, state: "failed" }, 130), "failed 30 s ago");
  assert.equal(stateText({ ...machine, since: null }, 130), "running");
});
