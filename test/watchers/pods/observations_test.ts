import assert from "node:assert/strict";
import type { NewEvent } from "../../../src/events/types.ts";
import type { Pod } from "../../../src/kube/types.ts";
import type { Observation } from "../../../src/machine/state.ts";
import { writeObservations } from "../../../src/watchers/pods/observations.ts";
import { settleMachine } from "../../../src/workdir/requests.ts";
import { ask, giveBack, memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";

const ready = { type: "Ready", status: "True" as const, lastTransitionTime: "2026-11-20T00:00:07Z" };
const containerStatuses = [{ name: "c", ready: true, restartCount: 0, state: { running: {} } }];
const pending = ourPod("req-0");
const running: Pod = {
  ...ourPod("req-0", { phase: "Running", conditions: [ready], containerStatuses }),
  spec: { ...pending.spec, nodeName: "node-1" },
};
const failed: Pod = { ...running, status: { phase: "Failed", reason: "Evicted" } };

/** What tells its steps; `details_test.ts` has the rest. */
const STEPS = new Set(["status", "node_name", "failed_reason"]);

/** What is told of the machine as it is seen like this, one after the other. */
async function told(observations: Observation[], { isReturned = false } = {}): Promise<unknown[]> {
  const events: NewEvent[] = [];
  const dependencies = {
    ...memoryDependencies(),
    events: { record: (some: readonly NewEvent[]) => void events.push(...some) },
  };
  await ask(dependencies, "req", 1);
  settleMachine(dependencies.workdir, "req", "req-0");
  if (isReturned) await giveBack(dependencies, "ret", "req-0");
  dependencies.returns.refresh(dependencies.clock.now());
  for (const observation of observations) await writeObservations(dependencies, [["req-0", observation]]);
  return events.flatMap(({ pairs }) =>
    Object.entries(pairs).flatMap(([type, value]) => STEPS.has(type) ? [value] : [])
  );
}

const up = ["created", "pending", "scheduled", "node-1", "running", "ready"];

Deno.test("a machine's whole life is told, each step once, however often it is seen", async () => {
  const seen = [pending, pending, running, running].map((pod) => ({ pod }));
  const gone = { gone: undefined };
  assert.deepEqual(await told([...seen, gone, gone], { isReturned: true }), [...up, "deleted"]);
  assert.deepEqual(await told([...seen, { pod: failed }, { pod: failed }, gone]), [
    ...up,
    "failed",
    "The pod failed: Evicted (node node-1)",
    "deleted",
  ]);
});

Deno.test("of a pod that has no right to be there nothing is told", async () => {
  const other = { ...pending, metadata: { ...pending.metadata, uid: "another" } };
  const words = await told([{ pod: running }, { gone: undefined }, { pod: other }, { pod: other }]);
  assert.deepEqual(words.slice(up.length, up.length + 1), ["failed"]);
  assert.deepEqual(words.filter((word) => word === "created"), ["created"]);
});
