import { timestampSeconds } from "../../clock.ts";
import type { EventPairs, NewEvent } from "../../events/types.ts";
import type { KubeEvent } from "../../kube/types.ts";
import { nodeEventId } from "../nodes/node_news.ts";

/** What Karpenter says of a node that it takes away, and what the legacy plug-in calls that (source: fixtures). */
const EVICTIONS: Readonly<Record<string, "eviction_uderutilized" | "eviction_empty">> = {
  "Disrupting Node: Underutilized/Delete": "eviction_uderutilized",
  "Disrupting Node: Empty/Delete": "eviction_empty",
};

/**
 * What an Event of the cluster is to be recorded as, with the time that it was last said at: told twice it is the same.
 * @param options `isMachine`: whether a pod is one of our machines; `nodeUid`: the uid of a node, as far as it is known
 * @returns nothing for what is not about a machine or a node
 */
export function newsOfKubeEvent(
  event: KubeEvent,
  { isMachine, nodeUid }: { isMachine: (pod: string) => boolean; nodeUid: (node: string) => string | undefined },
): NewEvent[] {
  const { involvedObject: { kind, name = "", uid }, reason = "", message = "" } = event;
  const at = lastSaid(event);
  const createdAt = timestampSeconds(event.metadata.creationTimestamp) ?? at;
  const source = event.reportingComponent || event.source?.component || "";
  const pairs = {
    events: JSON.stringify({ type: event.type ?? null, reason, message, source, timestamp: createdAt ?? null }),
    event_reason: reason,
    event_message: message,
    event_source: source,
  };
  if (kind === "Pod") return isMachine(name) ? [{ category: "pod", id: name, pairs, at }] : [];
  // What a kubelet says of its own node has the node's name in the place of the uid.
  const known = uid === undefined || uid === name ? nodeUid(name) : uid;
  if (kind !== "Node" || known === undefined) return [];
  const id = nodeEventId(name, known);
  const eviction = EVICTIONS[message];
  const evicted: EventPairs<"node"> | undefined = eviction && { [eviction]: String(createdAt) };
  return [
    { category: "node", id, pairs, at },
    ...evicted ? [{ category: "node" as const, id, pairs: evicted, at }] : [],
  ];
}

function lastSaid({ lastTimestamp, eventTime, metadata: { creationTimestamp } }: KubeEvent): number | undefined {
  return timestampSeconds(lastTimestamp) ?? timestampSeconds(eventTime) ?? timestampSeconds(creationTimestamp);
}
