import assert from "node:assert/strict";
import type { Node } from "../../../src/kube/types.ts";
import { nodeFileText, nodeSignature, slimNode } from "../../../src/watchers/nodes/node_file.ts";
import { existingNode } from "../../support/legacy_workdir.ts";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: "n",
    uid: "u",
    resourceVersion: "7",
    creationTimestamp: "2026-11-20T00:00:00Z",
    labels: { zone: "a" },
    managedFields: [{}],
  },
  spec: { providerID: "aws:///i-1", taints: [{ key: "k", effect: "NoSchedule" }] },
  status: {
    conditions: [{
      type: "Ready",
      status: "True",
      lastHeartbeatTime: "2026-11-20T00:00:10Z",
      lastTransitionTime: "2026-11-20T00:00:05Z",
    }],
    allocatable: { cpu: "4" },
    images: [{ names: ["i"] }],
    nodeInfo: { bootID: "b", systemUUID: "s", kubeletVersion: "v1", osImage: "o", architecture: "amd64" },
  },
};

Deno.test("a node file holds the legacy plug-in's keys beside ours, without bookkeeping and images", () => {
  const at = Date.UTC(2026, 10, 20) / 1000;
  const file = JSON.parse(nodeFileText(slimNode(node)));
  assert.deepEqual([file.api_version, file.kind, file.metadata.name], ["v1", "Node", "n"]);
  assert.deepEqual([file.metadata.creation_timestamp, file.metadata.deletion_timestamp], [at, null]);
  assert.deepEqual([file.metadata.resource_version, file.metadata.creationTimestamp], ["7", "2026-11-20T00:00:00Z"]);
  assert.deepEqual([file.spec.provider_id, file.spec.providerID, file.spec.unschedulable], [
    "aws:///i-1",
    "aws:///i-1",
    null,
  ]);
  const [ready] = file.status.conditions;
  assert.deepEqual([ready.last_heartbeat_time, ready.last_transition_time, ready.type], [at + 10, at + 5, "Ready"]);
  assert.deepEqual(file.status.node_info, {
    boot_id: "b",
    system_uuid: "s",
    kubelet_version: "v1",
    os_image: "o",
    architecture: "amd64",
  });
  assert.equal(file.metadata.managedFields ?? file.status.images, undefined);
});

Deno.test("what a node file of the legacy plug-in says under its keys, ours says too", () => {
  const theirs = JSON.parse(existingNode("node-0000"));
  const ours = JSON.parse(nodeFileText(slimNode(node)));
  const keys = (value: object) => Object.keys(value);
  const isSaid = (said: object) => Object.entries(said).filter(([, value]) => value !== null).map(([key]) => key);
  assert.deepEqual(isSaid(theirs).filter((key) => !keys(ours).includes(key)), []);
  const given = ["annotations", "managed_fields"]; // What our node has none of, and what no one reads.
  assert.deepEqual(isSaid(theirs.metadata).filter((key) => !keys(ours.metadata).includes(key)), given);
  assert.deepEqual(
    isSaid(theirs.status.conditions[0]).filter((key) => !keys(ours.status.conditions[0]).includes(key)),
    ["message", "reason"],
  );
});

Deno.test("heartbeats leave the signature of a node as it is, all else changes it", () => {
  const signature = nodeSignature(slimNode(node));
  const beaten = structuredClone(node);
  beaten.metadata.resourceVersion = "8";
  beaten.status!.conditions![0]!.lastHeartbeatTime = "2026-11-20T00:05:10Z";
  beaten.status!["images"] = [];
  assert.equal(nodeSignature(slimNode(beaten)), signature);
  beaten.status!.conditions![0]!.status = "Unknown";
  assert.notEqual(nodeSignature(slimNode(beaten)), signature);
});
