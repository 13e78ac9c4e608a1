import assert from "node:assert/strict";
import type { MachineSnapshot } from "../../../src/machine/snapshot.ts";
import { decideReturn } from "../../../src/watchers/returns/decide.ts";

const pod = { uid: "u", resourceVersion: "1", privateIpAddress: "", createdAt: 0, deletionAt: undefined };
const tombstone = { up: false, returned: false, givenUp: false, message: "Evicted" };
const decisions: [machine: Partial<MachineSnapshot>, todo: string][] = [
  [{}, "find"],
  [{ entry: "pending" }, "wait"],
  [{ entry: "pending", state: "creating" }, "wait"],
  [{ entry: "pending", state: "deleted" }, "gone"],
  [{ entry: "created" }, "find"],
  [{ entry: "created", state: "creating" }, "find"],
  [{ entry: "created", state: "running" }, "find"],
  [{ entry: "created", state: "running", pod }, "delete"],
  [{ entry: "created", state: "failed", pod }, "delete"],
  [{ entry: "created", state: "failed" }, "find"],
  [{ entry: "created", state: "failed", tombstone }, "gone"],
  [{ entry: "created", state: "deleted" }, "gone"],
  [{ entry: "created", state: "deleted", pod }, "delete"],
  [{ state: "running" }, "find"],
  [{ state: "unknown" }, "find"],
  [{ entry: "created", state: "succeeded" }, "find"],
  [{ entry: "created", state: "failed", tombstone: { ...tombstone, uid: "u" } }, "find"],
];
for (const [machine, todo] of decisions) {
  const { pod, tombstone, ...rest } = machine;
  const noted = tombstone && (tombstone.uid ? "of its pod" : "without a pod");
  const shown = JSON.stringify({ ...rest, ...(pod ? { pod: "there" } : {}), ...(noted ? { tombstone: noted } : {}) });
  Deno.test(`a returned machine with ${shown}: ${todo}`, () => {
    assert.equal(
      decideReturn({ state: undefined, pod: undefined, entry: undefined, tombstone: undefined, ...machine }),
      todo,
    );
  });
}
