import assert from "node:assert/strict";
import type { Node } from "../../../src/kube/types.ts";
import { factsOfNode, newsOfNode } from "../../../src/watchers/nodes/node_news.ts";

const time = (second: number) => `2026-11-20T00:00:0${second}Z`;
const at = (second: number) => Date.UTC(2026, 10, 20, 0, 0, second) / 1000;
const node: Node = {
  metadata: {
    name: "n1",
    uid: "u1",
    creationTimestamp: time(1),
    labels: { "topology.kubernetes.io/zone": "zone-a", "karpenter.sh/capacity-type": "spot" },
  },
  spec: {},
  status: {
    capacity: { cpu: "64", memory: "256Gi" },
    allocatable: { cpu: "63770m", memory: "263882793Ki" },
    conditions: [{ type: "Ready", status: "False", reason: "R", message: "m", lastTransitionTime: time(2) }],
  },
};
const ready: Node = {
  ...node,
  status: {
    ...node.status,
    conditions: [{ type: "Ready", status: "True", reason: "R", message: "m", lastTransitionTime: time(5) }],
  },
};
const resources = {
  cpu_capacity: "64.0",
  cpu_allocatable: "63.77",
  memory_capacity: "262144.0",
  memory_allocatable: "257698.04",
  cpu_reserved: "0.23",
  memory_reserved: "4445.96",
  zone: "zone-a",
  capacity_type: "spot",
};
const condition = (status: string) => ({ conditions: { Ready: { status, reason: "R", message: "m" } } });
const said = (now: Node, before?: Node) =>
  newsOfNode(now, before && factsOfNode(before)).map(({ pairs, at }) => [pairs, at]);

Deno.test("a node is told with the legacy plug-in's words and numbers, and then what changed of it alone", () => {
  assert.deepEqual(said(node), [
    [{ status: "created" }, at(1)],
    [condition("False"), at(2)],
    [resources, at(1)],
  ]);
  assert.deepEqual(said(ready, node), [[{ status: "ready" }, at(5)], [condition("True"), at(5)]]);
  assert.deepEqual(said(ready, ready), []);
  assert.equal(newsOfNode(node, undefined)[0]?.id, "n1::u1");
});

Deno.test("another node of the same name is told as a new one", () => {
  const other = { ...node, metadata: { ...node.metadata, uid: "u2" } };
  assert.deepEqual(said(other, node), said(other));
});
