import assert from "node:assert/strict";
import { ReturningMachines } from "../../../src/watchers/returns/returning_machines.ts";

Deno.test("a return request is finished once its last machine is gone, and not before", () => {
  const machines = new ReturningMachines();
  machines.addRequest("one", ["a-0", "a-1"]);
  machines.addRequest("two", ["a-1"]);
  machines.remove("a-0");
  assert.deepEqual([...machines.finished], []);
  machines.remove("a-1");
  machines.remove("a-1");
  assert.deepEqual([...machines.finished], ["one", "two"]);
  machines.forgetRequest("one");
  assert.deepEqual([...machines.finished], ["two"]);
  assert.deepEqual([machines.hasRequest("one"), machines.hasRequest("two"), machines.size], [false, true, 0]);
});

Deno.test("a return request of nothing is finished at once", () => {
  const machines = new ReturningMachines();
  machines.addRequest("one", []);
  assert.deepEqual([...machines.finished], ["one"]);
});

Deno.test("a machine that is named again keeps the uid of its pod", () => {
  const machines = new ReturningMachines();
  machines.add("a-0");
  machines.setUid("a-0", "u");
  machines.addRequest("one", ["a-0"]);
  machines.add("a-0");
  machines.setUid("b-0", "none");
  assert.deepEqual([machines.uidOf("a-0"), machines.uidOf("b-0"), [...machines.names]], ["u", undefined, ["a-0"]]);
});
