import assert from "node:assert/strict";
import type { Node, Pod } from "../../src/kube/types.ts";
import { nodeFacts, podFacts } from "../../src/metrics/object_facts.ts";

Deno.test("a pod's requests are summed, or limits where a container has no requests", () => {
  const containers = [
    { name: "a", resources: { requests: { cpu: "1500m", memory: "1Gi" }, limits: { cpu: "9" } } },
    { name: "b", resources: { limits: { cpu: "2", memory: "512Mi" } } },
    { name: "c" },
  ];
  const pod = { metadata: {}, spec: { containers }, status: { containerStatuses: [] } } as unknown as Pod;
  assert.deepEqual(podFacts(pod).values, { pod_cpu: 3.5, pod_memory: 1_536 });
});

Deno.test("restarts are told if there were any", () => {
  const containerStatuses = [{ name: "a", ready: true, restartCount: 2 }, { name: "b", ready: true, restartCount: 1 }];
  const pod: Pod = { metadata: {}, spec: { containers: [] }, status: { containerStatuses } };
  assert.equal(podFacts(pod).values.pod_restarts, 3);
});

Deno.test("a node says where it is and what it has", () => {
  const node: Node = {
    metadata: {
      name: "n",
      creationTimestamp: "2026-11-21T16:00:00Z",
      labels: { "eks.amazonaws.com/capacityType": "ON_DEMAND", "node.kubernetes.io/instance-type": "m5" },
    },
    spec: {},
    status: {
      capacity: { cpu: "64", memory: "1Ti" },
      addresses: [{ type: "Hostname", address: "n" }, { type: "InternalIP", address: "192.0.2.1" }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
  assert.deepEqual(nodeFacts(node), {
    labels: {
      node_name: "n",
      node_ip: "192.0.2.1",
      zone_id: "",
      instance_type: "m5",
      capacity_type: "on-demand",
      start_time: "2026-11-21T16:00:00",
    },
    values: { node_cpu: 64, node_memory: 1_048_576 },
    conditions: ["Ready"],
    conditionMetric: "node_condition",
  });
});

Deno.test("a node that is new has no addresses and nothing else", () => {
  const node = { metadata: {}, spec: {}, status: { addresses: null, conditions: null } } as unknown as Node;
  assert.deepEqual(nodeFacts(node).values, { node_cpu: 0, node_memory: 0 });
});
