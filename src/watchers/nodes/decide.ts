import { timestampSeconds } from "../../clock.ts";
import type { Node, NodeCondition } from "../../kube/types.ts";
import type { Departure } from "../../workdir/departures.ts";
import type { NodeEvictions } from "../../workdir/evictions.ts";

/** A mark by which somebody says that a node is about to go. */
interface Mark {
  reason: string;
  /** How much time there is from the mark on at most, in seconds; absent if that is not known. */
  noticeSeconds?: number;
}

/**
 * The taints that mean that a node goes, whatever their effect: that of AWS's is the site's choice. Sources:
 *
 * - Kubernetes documentation, "Well-Known Labels, Annotations and Taints": out-of-service, shutdown
 * - Karpenter documentation, "Disruption": `karpenter.sh/disrupted`; before its version 1, `karpenter.sh/disruption`
 * - Cluster autoscaler, `utils/taints/taints.go`. Its `DeletionCandidateOfClusterAutoscaler` is only a candidate
 * - AWS Node Termination Handler, `pkg/node/node.go`, and its option `--taint-effect`; the notice is that of EC2, "Spot
 *   Instance interruption notices". Its `rebalance-recommendation` says that an interruption is likely, not that it comes
 * - GKE documentation, "Manage disruption to GKE nodes that don't live migrate"
 * - AKS documentation, "Node auto-drain" (`unschedulable`, the second as it was called before 2025), and that of its cloud
 *   provider, "Node drain by administrative state" (`draining`)
 *
 * `kubernetes.azure.com/scalesetpriority` and the like only say of what kind a node is.
 */
const MARKS: Record<string, Mark> = {
  "node.kubernetes.io/out-of-service": { reason: "out of service", noticeSeconds: 0 },
  "node.cloudprovider.kubernetes.io/shutdown": { reason: "shut down", noticeSeconds: 0 },
  "aws-node-termination-handler/spot-itn": { reason: "a spot instance that is interrupted", noticeSeconds: 120 },
  "aws-node-termination-handler/scheduled-maintenance": { reason: "scheduled for maintenance" },
  "aws-node-termination-handler/asg-lifecycle-termination": { reason: "being terminated by its scaling group" },
  "cloud.google.com/impending-node-termination": { reason: "about to be terminated" },
  "remediator.kubernetes.azure.com/unschedulable": { reason: "being drained for an event of its virtual machine" },
  "remediator.aks.microsoft.com/unschedulable": { reason: "being drained for an event of its virtual machine" },
  "cloudprovider.azure.microsoft.com/draining": { reason: "a spot instance that is interrupted" },
  "karpenter.sh/disrupted": { reason: "disrupted by Karpenter" },
  "karpenter.sh/disruption": { reason: "disrupted by Karpenter" },
  ToBeDeletedByClusterAutoscaler: { reason: "to be deleted by the cluster autoscaler" },
};

/** The label of a node whose workloads GKE is stopping (source: as for its taint). */
const GKE_MAINTENANCE = { label: "cloud.google.com/active-node-maintenance", value: "ONGOING" };

/** Taints of nodes that are not ready; pods tolerate them for a while (source: "Taints and Tolerations"). */
const LOST_TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

const CORDONED = "node.kubernetes.io/unschedulable";
const DRAINED = "cordoned and being drained";

/** How much earlier than the taint of a cordon, in seconds, what follows the cordon may be: that taint comes after it. */
const CORDON_SECONDS = 10;

/** What is known of a node beside itself. */
export interface KnownNode {
  /** The cluster's time, and that of our host, in seconds since the epoch. */
  now: number;
  hostNow: number;
  /** Which machines of ours were evicted from it. */
  evictions: NodeEvictions | undefined;
  /** What was last decided of the node of this name. */
  before: Departure | undefined;
}

/** Why a node is about to go and when it is gone; nothing for one that stays. */
export function nodeDeparture(node: Node, { now, hostNow, evictions, before }: KnownNode): Departure | undefined {
  const { uid = "", deletionTimestamp, labels } = node.metadata;
  const known = before?.uid === uid && !before.isDeleted ? before : undefined;
  const leaving = (reason: string, goneAt?: number): Departure => {
    // A notice runs from when it was first seen.
    const until = known?.reason === reason ? known.goneAt ?? goneAt : goneAt;
    return { uid, reason, ...(until === undefined ? {} : { goneAt: until }) };
  };
  // 1. Azure says when; as this may change, the latest word counts.
  const event = scheduledEvent(node);
  if (event) return { uid, ...event };
  // 2. What takes nodes away has marked it; of several the most pressing counts.
  const mark = markOf(node);
  if (mark) return leaving(mark.reason, mark.noticeSeconds === undefined ? undefined : now + mark.noticeSeconds);
  if (labels?.[GKE_MAINTENANCE.label] === GKE_MAINTENANCE.value) return leaving("under maintenance");
  // 3. Its kubelet says so itself (source: Kubernetes documentation, "Node Shutdowns").
  const ready = condition(node, "Ready");
  if (ready?.status === "False" && ready.message?.includes("node is shutting down")) return leaving("shutting down");
  // 4. It is deleted, and something has yet to finish with it.
  if (deletionTimestamp !== undefined) return leaving("being deleted");
  // 5. It is cordoned, and machines were evicted since. A cordon alone only keeps new pods away.
  if (node.spec.unschedulable && (known?.reason === DRAINED || isDrained(node, evictions))) return leaving(DRAINED);
  // 6. It is not ready: its pods are deleted once they no longer tolerate that, if it is not back by then. Where the cluster
  // holds back, because too many nodes are lost at once, there is no such taint.
  for (const { key, effect, timeAdded } of node.spec.taints ?? []) {
    const since = timestampSeconds(timeAdded);
    if (LOST_TAINTS.includes(key) && effect === "NoExecute" && since !== undefined) {
      const isKnown = known?.lost?.taint === key && known.lost.since === since;
      return {
        uid,
        reason: "not ready",
        lost: { taint: key, since, seenAt: (isKnown && known.lost?.seenAt) || hostNow },
      };
    }
  }
  return undefined;
}

/**
 * True if machines of ours were evicted since the node was cordoned: at least two, and at least as many as stay. Whatever drains
 * a node evicts all that is on it; a descheduler may evict one or the other from a node that is cordoned for another reason,
 * and those are named by themselves.
 */
function isDrained(node: Node, { evicted, others }: NodeEvictions = { evicted: {}, others: 0 }): boolean {
  const cordonedAt = timestampSeconds(node.spec.taints?.find(({ key }) => key === CORDONED)?.timeAdded);
  if (cordonedAt === undefined) return false;
  const times = Object.values(evicted);
  const since = times.filter((at) => at >= cordonedAt - CORDON_SECONDS).length;
  return since >= 2 && since >= others;
}

function markOf(node: Node): Mark | undefined {
  let pressing: Mark | undefined;
  for (const { key, value } of node.spec.taints ?? []) {
    const mark = Object.hasOwn(MARKS, key) ? MARKS[key] : undefined;
    if (!mark) continue;
    if (key === "karpenter.sh/disruption" && value !== "disrupting") continue;
    const isLess = (mark.noticeSeconds ?? Infinity) < (pressing?.noticeSeconds ?? Infinity);
    if (!pressing || isLess) pressing = mark;
  }
  return pressing;
}

/**
 * What Azure has scheduled for the node's virtual machine, but for a freeze, which it survives. `VMEventScheduled` stands for
 * all of them, in the words of its message: "Preempt Scheduled: Sat, 01 Aug 2026 05:41:02 GMT. …" (source: AKS documentation,
 * "Node Problem Detector (NPD) in AKS nodes").
 */
function scheduledEvent(node: Node): Pick<Departure, "reason" | "goneAt"> | undefined {
  for (const { type, status, message = "" } of node.status?.conditions ?? []) {
    if (status !== "True" || !/^(VMEvent|Preemption|Preempt|Terminate|Redeploy|Reboot)Scheduled$/.test(type)) continue;
    const event = /\b(Preempt|Terminate|Redeploy|Reboot) Scheduled: *([^.]*)/.exec(message);
    if (!event && type === "VMEventScheduled") continue;
    const what = (event?.[1] ?? type.replace(/Scheduled$/, "")).toLowerCase();
    const goneAt = timestampSeconds(event?.[2]);
    return {
      reason: `scheduled by Azure to ${what.replace(/ion$/, "")}`,
      ...(goneAt === undefined ? {} : { goneAt }),
    };
  }
  return undefined;
}

function condition(node: Node, type: string): NodeCondition | undefined {
  return node.status?.conditions?.find((one) => one.type === type);
}
