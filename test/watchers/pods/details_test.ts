import assert from "node:assert/strict";
import type { Pod } from "../../../src/kube/types.ts";
import { detailsOfPod } from "../../../src/watchers/pods/details.ts";
import { ourPod } from "../../support/memory_dependencies.ts";

const at = Date.UTC(2026, 10, 20) / 1000;
const plain = ourPod("req-0");
const [container] = plain.spec.containers;
const resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1500M" } };
const pod: Pod = {
  ...plain,
  spec: {
    ...plain.spec,
    containers: [{ ...container!, resources }, { name: "d", resources: { requests: { cpu: "500m" } } }],
  },
};
const onNode: Pod = {
  ...pod,
  spec: { ...pod.spec, nodeName: "n1" },
  status: {
    phase: "Pending",
    containerStatuses: [{
      name: "c",
      ready: false,
      started: false,
      restartCount: 0,
      state: { waiting: { reason: "ContainerCreating" } },
    }],
  },
};
const ended: Pod = {
  ...onNode,
  status: {
    phase: "Failed",
    containerStatuses: [{
      name: "c",
      ready: false,
      started: false,
      restartCount: 0,
      state: { terminated: { exitCode: 137, reason: "OOMKilled" } },
    }],
  },
};
const said = (now: Pod, last?: Pod) =>
  detailsOfPod(now, last, { nodeId: (node) => node === "n1" ? "u1" : undefined }).map(({ pairs, at }) => [pairs, at]);

Deno.test("what a pod asks for is told once, in the legacy plug-in's numbers", () => {
  const expected = { cpu_requested: "1.5", cpu_limit: "0", memory_requested: "1024.0", memory_limit: "1430.51" };
  assert.deepEqual(said(pod), [[expected, at]]);
  assert.deepEqual(said(pod, pod), []);
});

Deno.test("the uid of its node is told where it is known, and what its containers do as often as that changes", () => {
  const waiting = '{"c":{"ready":false,"started":false,"state":"Waiting","reason":"ContainerCreating"}}';
  assert.deepEqual(said(onNode, pod), [[{ node_id: "u1" }, undefined], [{ container_statuses: waiting }, undefined]]);
  assert.deepEqual(said(onNode, onNode), []);
  const dead = '{"c":{"ready":false,"started":false,"state":"Terminated","reason":"OOMKilled","exit_code":137}}';
  assert.deepEqual(said(ended, onNode), [[{ container_statuses: dead }, undefined]]);
  const elsewhere = { ...onNode, spec: { ...onNode.spec, nodeName: "n2" } };
  assert.deepEqual(said(elsewhere, pod).length, 1, "a node that is not known has no uid");
});
