import assert from "node:assert/strict";
import { type News, newsOfPod, newsOfState } from "../../src/events/news.ts";
import type { Pod } from "../../src/kube/types.ts";
import { ourPod } from "../support/memory_dependencies.ts";

const at = (second: number) => Date.UTC(2026, 10, 20, 0, 0, second) / 1000;
const time = (second: number) => `2026-11-20T00:00:${String(second).padStart(2, "0")}Z`;
const isTrue = (type: string, second: number) => (
  { type, status: "True" as const, lastTransitionTime: time(second) }
);

/** A pod on its whole way up, as it is seen one after the other. */
const pending = ourPod("req-0");
const scheduled: Pod = {
  ...ourPod("req-0", { phase: "Pending", conditions: [isTrue("PodScheduled", 2)] }),
  spec: { ...pending.spec, nodeName: "node-1" },
};
const containerStatuses = [{ name: "c", ready: true, restartCount: 0, state: { running: { startedAt: time(5) } } }];
const conditions = [isTrue("PodScheduled", 2), isTrue("Ready", 6)];
const running: Pod = { ...scheduled, status: { phase: "Running", conditions, containerStatuses } };

/** Each as the words that it says and when. */
function said(news: News[]): unknown[] {
  return news.map(({ pairs, at }) => [...Object.values(pairs), at]);
}

const created = [["created", at(0)], ["pending", at(0)]];
const onNode = [["scheduled", at(2)], ["node-1", at(2)]];
const up = [["running", at(5)], ["ready", at(6)]];

Deno.test("each step of a pod is told once, with the time that the cluster has for it", () => {
  assert.deepEqual(said(newsOfPod(pending, undefined)), created);
  assert.deepEqual(said(newsOfPod(scheduled, pending)), onNode);
  assert.deepEqual(said(newsOfPod(running, scheduled)), up);
  assert.deepEqual(newsOfPod(running, running), []);
});

Deno.test("what was missed is told later, and as if it had not been; told again, it is the same", () => {
  assert.deepEqual(said(newsOfPod(running, undefined)), [...created, ...onNode, ...up]);
  const other = { ...pending, metadata: { ...pending.metadata, uid: "another" } };
  assert.deepEqual(newsOfPod(running, other), newsOfPod(running, undefined));
});

Deno.test("a pod that is disrupted says why", () => {
  const target = { ...isTrue("DisruptionTarget", 9), reason: "EvictionByEvictionAPI", message: "evicting" };
  const disrupted = { ...running, status: { ...running.status, conditions: [...conditions, target] } };
  assert.deepEqual(said(newsOfPod(disrupted, running)), [["disrupted", "EvictionByEvictionAPI", "evicting", at(9)]]);
});

for (const [phase, word] of [["Succeeded", "succeeded"], ["Unknown", "unknown"]] as const) {
  Deno.test(`a pod whose phase becomes ${phase} is ${word}, by our clock`, () => {
    const over = { ...running, status: { ...running.status, phase } };
    assert.deepEqual(said(newsOfPod(over, running)), [[word, undefined]]);
    assert.deepEqual(newsOfPod(over, over), []);
  });
}

const tombstone = { up: true, returned: false, givenUp: false, message: "OOMKilled" };
const failed = { status: "failed", failed_reason: "OOMKilled" };
const deleted = { status: "deleted" };
const changes: [
  what: string,
  before: Parameters<typeof newsOfState>[0],
  Parameters<typeof newsOfState>[1],
  unknown[],
][] = [
  ["failed", "running", { state: "failed", tombstone }, [failed]],
  ["gone, having failed", "failed", { state: "deleted", tombstone }, [deleted]],
  ["taken away", "running", { state: "deleted", tombstone }, [failed, deleted]],
  ["returned", "running", { state: "deleted", tombstone: { ...tombstone, returned: true } }, [deleted]],
  ["gone, having ended well", "succeeded", { state: "deleted", tombstone: { ...tombstone, succeeded: true } }, [
    deleted,
  ]],
  ["as before", "failed", { state: "failed", tombstone }, []],
  ["up", "pending", { state: "running" }, []],
  ["without a state", "pending", { tombstone }, []],
  ["alive after all", "failed", { state: "running", tombstone: "none" }, []],
];
for (const [what, before, change, expected] of changes) {
  Deno.test(`the new state of a machine is news: ${what}`, () => {
    assert.deepEqual(newsOfState(before, change).map(({ pairs }) => pairs), expected);
  });
}
