import assert from "node:assert/strict";
import type { Pod, PodCondition } from "../../../src/kube/types.ts";
import { Evictions } from "../../../src/watchers/pods/evictions.ts";
import { readEvictions } from "../../../src/workdir/evictions.ts";
import { noSpace } from "../../support/memory_files.ts";
import { memoryDependencies, ourPod } from "../../support/memory_dependencies.ts";

const now = Date.UTC(2026, 10, 20) / 1000;

const none = () => [];

function pod(
  node: string | undefined,
  at = now,
  { type = "DisruptionTarget", ...condition }: Partial<PodCondition> = {},
  name = "req-0",
): Pod {
  const lastTransitionTime = new Date(at * 1000).toISOString();
  const evicted = { type, status: "True" as const, reason: "EvictionByEvictionAPI", lastTransitionTime, ...condition };
  const one = ourPod(name, { phase: "Running", conditions: [evicted] });
  return node === undefined ? one : { ...one, spec: { ...one.spec, nodeName: node } };
}

Deno.test("who was evicted from each node and who stays is written down, beside those that were there", () => {
  const dependencies = memoryDependencies();
  const first = new Evictions(dependencies);
  for (const one of [pod("n1", now - 9, {}, "r-0"), pod("n1", now - 5, {}, "r-1"), pod("n2", now - 1, {}, "r-2")]) {
    first.note(one);
  }
  first.write((node) => node === "n1" ? ["r-0", "r-1", "r-5", "r-6"] : ["r-2"]);
  const second = new Evictions(dependencies);
  for (const one of [pod("n1", now - 3, {}, "r-5"), pod("n1", now - 9, {}, "r-0")]) second.note(one);
  second.write(() => ["r-5", "r-6"]);
  assert.deepEqual(Object.fromEntries(readEvictions(dependencies.workdir)), {
    n1: { evicted: { "r-0": now - 9, "r-1": now - 5, "r-5": now - 3 }, others: 1 },
    n2: { evicted: { "r-2": now - 1 }, others: 0 },
  });
});

Deno.test("what an earlier version noted says too little, and is written over", () => {
  const dependencies = memoryDependencies();
  dependencies.files.writeText("/work/views/evictions.json", JSON.stringify({ n1: now }));
  assert.deepEqual([...readEvictions(dependencies.workdir)], []);
  assert.equal(dependencies.workdir.broken.size, 0);
  const evictions = new Evictions(dependencies);
  evictions.note(pod("n1"));
  evictions.write(none);
  assert.deepEqual([...readEvictions(dependencies.workdir).keys()], ["n1"]);
});

Deno.test("what is no eviction through the API is none, and nothing is written for it", () => {
  const dependencies = memoryDependencies();
  const evictions = new Evictions(dependencies);
  const before = dependencies.files.writes.length;
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
  evictions.write(none);
  assert.equal(dependencies.files.writes.length, before);
});

Deno.test("evictions are forgotten after an hour", async () => {
  const dependencies = memoryDependencies();
  const evictions = new Evictions(dependencies);
  evictions.note(pod("n1"));
  evictions.write(none);
  await dependencies.clock.advance(3_601_000);
  evictions.note(pod("n2", now + 3_601));
  evictions.write(none);
  assert.deepEqual([...readEvictions(dependencies.workdir).keys()], ["n2"]);
});

Deno.test("evictions that cannot be written down hold no one up, and are written once they can be", () => {
  const dependencies = memoryDependencies();
  const evictions = new Evictions(dependencies);
  evictions.note(pod("n1"));
  dependencies.files.failWhere(({ paths }) => paths[1] === "/work/views/evictions.json", noSpace());
  evictions.write(none);
  dependencies.files.before = () => {};
  evictions.write(none);
  assert.deepEqual([...readEvictions(dependencies.workdir).keys()], ["n1"]);
});
