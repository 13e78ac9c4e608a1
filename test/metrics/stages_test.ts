import assert from "node:assert/strict";
import type { Pod } from "../../src/kube/types.ts";
import { stagesOf, StageTimes } from "../../src/metrics/stages.ts";
import { REQUEST_ANNOTATION } from "../../src/templates/podspec.ts";

const at = (second: number) => new Date(second * 1_000).toISOString();

function pod(status: Pod["status"] = {}, { created = 1_000 } = {}): Pod {
  const annotations = { [REQUEST_ANNOTATION]: JSON.stringify({ count: 1, requestedAt: 990 }) };
  return { metadata: { uid: "u", annotations, creationTimestamp: at(created) }, spec: { containers: [] }, status };
}

const up: Pod["status"] = {
  phase: "Running",
  conditions: [
    { type: "PodScheduled", status: "True", lastTransitionTime: at(1_002) },
    { type: "Ready", status: "True", lastTransitionTime: at(1_020) },
  ],
  containerStatuses: [
    { name: "a", ready: true, restartCount: 0, state: { running: { startedAt: at(1_010) } } },
    { name: "b", ready: true, restartCount: 0, state: { running: { startedAt: at(1_012) } } },
  ],
};

Deno.test("a pod says when it got how far", () => {
  assert.deepEqual(stagesOf(pod()), { created: 1_000 });
  assert.deepEqual(stagesOf(pod(up)), { created: 1_000, scheduled: 1_002, running: 1_012, ready: 1_020 });
});

Deno.test("each stage is told once, from the request on", () => {
  const told: string[] = [];
  const times = new StageTimes((stage, seconds) => told.push(`${stage} ${seconds}`), { beganAt: 900 });
  for (const status of [undefined, up, up]) times.saw(pod(status));
  assert.deepEqual(told, ["created 10", "scheduled 12", "running 22", "ready 30"]);
});

Deno.test("what was before this process began is not told again", () => {
  const told: string[] = [];
  const times = new StageTimes((stage, seconds) => told.push(`${stage} ${seconds}`), { beganAt: 1_011 });
  times.saw(pod(up));
  assert.deepEqual(told, ["running 22", "ready 30"]);
});
