import assert from "node:assert/strict";
import type { Pod, PodCondition } from "../../src/kube/types.ts";
import { Evictions } from "../../src/watchers/evictions.ts";
import { readEvictions } from "../../src/workdir/evictions.ts";
import { noSpace } from "../support/memory_files.ts";
import { memoryWatching, ourPod } from "../support/memory_watching.ts";

const now = Date.UTC(2026, 10, 20) / 1000;

function pod(
  node: string | undefined,
  at = now,
  { type = "DisruptionTarget", ...condition }: Partial<PodCondition> = {},
): Pod {
  const lastTransitionTime = new Date(at * 1000).toISOString();
  const evicted = { type, status: "True" as const, reason: "EvictionByEvictionAPI", lastTransitionTime, ...condition };
  const one = ourPod("req-0", { phase: "Running", conditions: [evicted] });
  return node === undefined ? one : { ...one, spec: { ...one.spec, nodeName: node } };
}

Deno.test("the last eviction from each node is written down, beside those that were there", () => {
  const watching = memoryWatching();
  const first = new Evictions(watching);
  for (const one of [pod("n1", now - 9), pod("n1", now - 5), pod("n1", now - 7), pod("n2", now - 1)]) first.note(one);
  first.write();
  const second = new Evictions(watching);
  for (const one of [pod("n1", now - 8), pod("n3")]) second.note(one);
  second.write();
  assert.deepEqual([...readEvictions(watching.workdir)].sort(), [["n1", now - 5], ["n2", now - 1], ["n3", now]]);
});

Deno.test("what is no eviction through the API is none, and nothing is written for it", () => {
  const watching = memoryWatching();
  const evictions = new Evictions(watching);
  const before = watching.files.writes.length;
  for (
    const one of [
      ourPod("req-0"),
      pod(undefined),
      pod("n1", now, { reason: "DeletionByTaintManager" }),
      pod("n1", now, { status: "False" }),
      pod("n1", now, { type: "Ready" }),
      pod("n1", now, { lastTransitionTime: "never" }),
    ]
  ) evictions.note(one);
  evictions.write();
  assert.equal(watching.files.writes.length, before);
});

Deno.test("evictions are forgotten after an hour", async () => {
  const watching = memoryWatching();
  const evictions = new Evictions(watching);
  evictions.note(pod("n1"));
  evictions.write();
  await watching.clock.advance(3_601_000);
  evictions.note(pod("n2", now + 3_601));
  evictions.write();
  assert.deepEqual([...readEvictions(watching.workdir).keys()], ["n2"]);
});

Deno.test("evictions that cannot be written down hold nobody up, and are written once they can be", () => {
  const watching = memoryWatching();
  const evictions = new Evictions(watching);
  evictions.note(pod("n1"));
  watching.files.failWhere(({ paths }) => paths[1] === "/work/views/evictions.json", noSpace());
  evictions.write();
  watching.files.before = () => {};
  evictions.write();
  assert.deepEqual([...readEvictions(watching.workdir).keys()], ["n1"]);
});
