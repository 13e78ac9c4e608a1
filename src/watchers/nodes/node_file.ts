import { createHash } from "node:crypto";
import { timestampSeconds } from "../../clock.ts";
import type { Node } from "../../kube/types.ts";
import { legacyMetadata } from "../../workdir/legacy_metadata.ts";

/** The node without what fills most of it and no one reads: the bookkeeping of its fields, and the images that it holds. */
export function slimNode(node: Node): Node {
  const { managedFields: _, ...metadata } = node.metadata;
  const { images: _images, ...status } = node.status ?? {};
  return { ...node, metadata, status };
}

/** What changes with every heartbeat of a node, and tells no one anything. */
const HEARTBEAT: ReadonlySet<string> = new Set(["resourceVersion", "lastHeartbeatTime"]);

/** The same for two slim nodes that differ in nothing but heartbeats. */
export function nodeSignature(node: Node): string {
  const text = JSON.stringify(node, (key, value) => HEARTBEAT.has(key) ? undefined : value);
  return createHash("sha1").update(text).digest("base64");
}

/**
 * The text of a node file: the slim node as the API server sent it, and beside our camelCase the keys that the existing
 * plug-in writes (source: node files that it left).
 */
export function nodeFileText(node: Node): string {
  const { metadata, spec, status = {} } = node;
  const text = JSON.stringify({
    ...node,
    api_version: "v1",
    metadata: legacyMetadata(metadata),
    spec: { ...spec, provider_id: spec.providerID ?? null, unschedulable: spec.unschedulable ?? null },
    status: {
      ...status,
      conditions: (status.conditions ?? []).map((condition) => ({
        ...condition,
        last_heartbeat_time: timestampSeconds(condition.lastHeartbeatTime) ?? null,
        last_transition_time: timestampSeconds(condition.lastTransitionTime) ?? null,
      })),
      node_info: snakeCase(status.nodeInfo ?? {}),
    },
  });
  return `${text}\n`;
}

function snakeCase(object: Record<string, unknown>): Record<string, unknown> {
  const snake = (key: string) => key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [snake(key), value]));
}
