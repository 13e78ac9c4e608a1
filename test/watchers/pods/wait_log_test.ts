import assert from "node:assert/strict";
import type { PodStatus } from "../../../src/kube/types.ts";
import { WaitLog } from "../../../src/watchers/pods/wait_log.ts";
import { captureLog } from "../../support/captured_log.ts";
import { ourPod } from "../../support/memory_dependencies.ts";

const waiting = (reason: string): PodStatus => ({
  phase: "Pending",
  containerStatuses: [{ name: "c", ready: false, restartCount: 0, state: { waiting: { reason } } }],
});
const unschedulable = (message: string): PodStatus => ({
  phase: "Pending",
  conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
});

/** Lines that are logged for the states of machines, in order; nothing for a machine that is gone. */
function logged(...states: [machine: string, status: PodStatus | undefined][]): string[] {
  using log = captureLog();
  const waits = new WaitLog();
  for (const [machine, status] of states) waits.note(machine, status && ourPod(machine, status));
  return log.lines;
}

Deno.test("why machines wait is said once for each kind of reason, however many there are and whatever the words", () => {
  const lines = logged(
    ["a-0", unschedulable("0/1 nodes")],
    ["a-1", unschedulable("0/2 nodes")],
    ["a-0", unschedulable("0/3 nodes")],
    ["a-2", waiting("ErrImagePull")],
    ["a-2", waiting("ImagePullBackOff")],
  );
  assert.equal(lines.length, 2, lines.join(""));
  assert.match(lines[0] ?? "", /Machines wait.*a-0.*Unschedulable: 0\/1 nodes/);
  assert.match(lines[1] ?? "", /Machines wait.*a-2.*ErrImagePull/);
});

Deno.test("it is said again once no machine waited for it any more", () => {
  const status = unschedulable("0/1 nodes");
  const up: PodStatus = { phase: "Running" };
  assert.equal(logged(["a-0", status], ["a-1", status], ["a-0", up], ["a-1", undefined], ["a-0", status]).length, 2);
  assert.equal(logged(["a-0", status], ["a-1", status], ["a-0", up], ["a-0", status]).length, 1);
});

Deno.test("machines on their usual way up are not worth a line", () => {
  const states: PodStatus[] = [{}, { phase: "Pending" }, waiting("ContainerCreating"), waiting("PodInitializing"), {
    phase: "Running",
  }, { phase: "Failed" }];
  assert.deepEqual(logged(...states.map((status): [string, PodStatus] => ["a-0", status])), []);
});
