import assert from "node:assert/strict";
import { FAILURE_KINDS, failureKind } from "../../src/machine/failure_kind.ts";

const gone = { up: false, returned: false, givenUp: false, message: "" };

Deno.test("the message of a tombstone tells the kind of failure", () => {
  const kinds = {
    "Image not pulled within 60 s: container a: ErrImagePull": "image",
    "Image name not valid: container a: InvalidImageName": "image",
    "Container not configured within 60 s: container a: CreateContainerConfigError": "configuration",
    "Crash loop: container a: CrashLoopBackOff; it was restarted 5 times": "crash_loop",
    "Not running after 300 s: Unschedulable: 0/3 nodes are available": "too_late",
    "Not ready after 300 s: ContainersNotReady": "too_late",
    "The cluster took the pod away: Evicted (node n)": "taken_away",
    "The pod failed: container a: OOMKilled (exit code 137)": "out_of_memory",
    "The pod failed: container a: Error (exit code 1)": "ended",
    "The pod failed: NodeLost: node is gone (node n)": "taken_away",
    "The pod was deleted, and not because Symphony returned the machine": "deleted_by_others",
    "Something new": "other",
  };
  for (const [message, kind] of Object.entries(kinds)) {
    assert.equal(failureKind({ ...gone, uid: "u", message }), kind, message);
  }
  assert.deepEqual(new Set(Object.values(kinds)).size, FAILURE_KINDS.length - 2);
});

Deno.test("a machine that never had a pod was refused, for its quota or for something else", () => {
  const refused = { ...gone, givenUp: true };
  assert.equal(failureKind({ ...refused, message: 'pods "a" is forbidden: exceeded quota: q' }), "quota");
  assert.equal(failureKind({ ...refused, message: "admission webhook denied the request" }), "refused");
});

Deno.test("a machine that was given back, or did what it was for, is no failure", () => {
  assert.equal(failureKind({ ...gone, returned: true }), undefined);
  assert.equal(failureKind({ ...gone, succeeded: true }), undefined);
});
