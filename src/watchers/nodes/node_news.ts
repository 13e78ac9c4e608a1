import { latestSeconds, timestampSeconds } from "../../clock.ts";
import type { EventPairs, NewEvent } from "../../events/types.ts";
import type { Node } from "../../kube/types.ts";
import { decimal } from "../../events/decimal.ts";
import { type Amounts, coresOf, mebibytesOf } from "../../kube/resources.ts";

/** How the legacy plug-in names a node in events. */
export function nodeEventId(name: string, uid: string): string {
  return `${name}::${uid}`;
}

/**
 * What a node shows that it did not show before. What the cluster has a time for has that, so that told twice it is the same.
 * @param before as it was seen last; absent, or another node: all of it is news
 */
export function newsOfNode(node: Node, before: Node | undefined): NewEvent<"node">[] {
  const { name = "", uid = "", creationTimestamp } = node.metadata;
  const last = before?.metadata.uid === uid ? before : undefined;
  const createdAt = timestampSeconds(creationTimestamp);
  const news: { pairs: EventPairs<"node">; at?: number | undefined }[] = [];
  if (!last) news.push({ pairs: { status: "created" }, at: createdAt });
  const ready = readyOf(node);
  if (ready && !readyOf(last)) {
    news.push({ pairs: { status: "ready" }, at: timestampSeconds(ready.lastTransitionTime) });
  }
  const conditions = conditionsOf(node);
  if (Object.keys(conditions).length > 0 && !isSame(conditions, last && conditionsOf(last))) {
    news.push({ pairs: { conditions }, at: changedAt(node) });
  }
  const has = resourcesOf(node);
  if (!isSame(has, last && resourcesOf(last))) news.push({ pairs: has, at: last ? undefined : createdAt });
  return news.map((one) => ({ category: "node", id: nodeEventId(name, uid), ...one }));
}

/** As much of a node as tells what is news of it. */
export function factsOfNode({ metadata: { uid = "", labels = {} }, status }: Node): Node {
  const { conditions = [], capacity, allocatable } = status ?? {};
  return { metadata: { uid, labels }, spec: {}, status: { conditions, capacity, allocatable } };
}

function readyOf(node: Node | undefined) {
  return node?.status?.conditions?.find(({ type, status }) => type === "Ready" && status === "True");
}

function conditionsOf({ status }: Node): Record<string, unknown> {
  const conditions = status?.conditions ?? [];
  return Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, { status, reason, message }]));
}

/** When a condition last changed, in seconds since the epoch. */
function changedAt({ status }: Node): number | undefined {
  return latestSeconds((status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime));
}

/** Labels that a node lacks are left out. */
function resourcesOf({ metadata: { labels = {} }, status }: Node): EventPairs<"node"> {
  const { capacity, allocatable } = (status ?? {}) as { capacity?: Amounts; allocatable?: Amounts };
  const words = {
    zone: labels["topology.kubernetes.io/zone"],
    region: labels["topology.kubernetes.io/region"],
    node_size: labels["node.kubernetes.io/instance-type"],
    capacity_type: labels["karpenter.sh/capacity-type"],
  };
  return {
    cpu_capacity: decimal(coresOf(capacity)),
    cpu_allocatable: decimal(coresOf(allocatable)),
    memory_capacity: decimal(mebibytesOf(capacity)),
    memory_allocatable: decimal(mebibytesOf(allocatable)),
    cpu_reserved: decimal(coresOf(capacity) - coresOf(allocatable)),
    memory_reserved: decimal(mebibytesOf(capacity) - mebibytesOf(allocatable)),
    ...Object.fromEntries(Object.entries(words).filter(([, word]) => word !== undefined)),
  };
}

function isSame(one: object, other: object | undefined): boolean {
  return other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}
