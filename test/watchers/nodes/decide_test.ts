import assert from "node:assert/strict";
import type { Node, NodeCondition, Taint } from "../../../src/kube/types.ts";
import { type KnownNode, nodeDeparture } from "../../../src/watchers/nodes/decide.ts";

const now = Date.UTC(2026, 10, 20, 12) / 1000;
const at = (seconds: number) => new Date((now + seconds) * 1000).toISOString().replace(".000", "");
const known: KnownNode = { now, hostNow: 50, evictions: undefined, before: undefined };

/** So many machines were evicted so long after noon, and so many others are on the node. */
function evicted(times: number[], { others = 0 } = {}): Pick<KnownNode, "evictions"> {
  const machines = times.map((seconds, i): [string, number] => [`r-${i}`, now + seconds]);
  return { evictions: { evicted: Object.fromEntries(machines), others } };
}

function node(
  { taints = [], conditions = [], unschedulable, metadata }: {
    taints?: Taint[];
    conditions?: NodeCondition[];
    unschedulable?: boolean;
    metadata?: Node["metadata"];
  } = {},
): Node {
  return {
    metadata: { name: "n", uid: "u", ...metadata },
    spec: { taints, ...(unschedulable === undefined ? {} : { unschedulable }) },
    status: { conditions: [{ type: "Ready", status: "True" }, ...conditions] },
  };
}

const taint = (key: string, value = "", effect: Taint["effect"] = "NoSchedule") =>
  node({ taints: [{ key, effect, ...(value ? { value } : {}) }] });
const says = (type: string, message = "", status: "True" | "False" = "True") =>
  node({ conditions: [{ type, status, message }] });
const cordoned = (taints: Taint[] = []) =>
  node({
    unschedulable: true,
    taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule", timeAdded: at(0) }, ...taints],
  });
const lost = (which: string, effect: Taint["effect"] = "NoExecute") =>
  node({ taints: [{ key: `node.kubernetes.io/${which}`, effect, timeAdded: at(-40) }] });
const preempt = "Preempt Scheduled: Fri, 20 Nov 2026 12:00:38 GMT. For more information, see x. EventId: 40B7BD88";

const stays: [string, Node, Partial<KnownNode>?][] = [
  ["a healthy node", node()],
  ["only cordoned", cordoned()],
  ["cordoned long after machines were evicted", cordoned(), evicted([-11, -12])],
  ["cordoned, and one machine was evicted: by a descheduler, perhaps", cordoned(), evicted([1])],
  ["cordoned, and fewer were evicted than stay", cordoned(), evicted([1, 2, 3], { others: 4 })],
  ["cordoned, and most were evicted before", cordoned(), evicted([-60, -50, 1], { others: 1 })],
  ["not cordoned though machines were evicted", node(), evicted([0, 0])],
  ["cordoned, and it is not said since when", node({ unschedulable: true }), evicted([0, 0])],
  ["a candidate of the cluster autoscaler", taint("DeletionCandidateOfClusterAutoscaler", "1", "PreferNoSchedule")],
  ["another value of Karpenter's old taint", taint("karpenter.sh/disruption", "candidate")],
  ["a rebalance that AWS recommends", taint("aws-node-termination-handler/rebalance-recommendation", "id")],
  ["a spot node of Azure", taint("kubernetes.azure.com/scalesetpriority", "spot")],
  ["somebody's own taint", taint("dedicated", "grid", "NoExecute")],
  ["a taint named like a property of objects", taint("constructor")],
  ["disks that fill up", node({ taints: [{ key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" }] })],
  ["a freeze that Azure schedules", says("VMEventScheduled", "Freeze Scheduled: Fri, 20 Nov 2026 12:00:38 GMT.")],
  ["an event of Azure that no one knows", says("VMEventScheduled", "IMDS unavailable")],
  ["no event of Azure", says("PreemptionScheduled", preempt, "False")],
  ["not ready, and pods are not evicted for it", lost("not-ready", "NoSchedule")],
  [
    "maintenance that GKE only plans",
    node({ metadata: { labels: { "cloud.google.com/active-node-maintenance": "PENDING" } } }),
  ],
];
for (const [what, one, also] of stays) {
  Deno.test(`a node stays: ${what}`, () => assert.equal(nodeDeparture(one, { ...known, ...also }), undefined));
}

const goes: [
  string,
  Node,
  { reason: RegExp; goneIn?: number; lost?: { taint: string; since: number; seenAt: number } },
  Partial<KnownNode>?,
][] = [
  ["Karpenter", taint("karpenter.sh/disrupted"), { reason: /disrupted by Karpenter/ }],
  ["Karpenter before 1.0", taint("karpenter.sh/disruption", "disrupting"), { reason: /disrupted by Karpenter/ }],
  ["cluster autoscaler", taint("ToBeDeletedByClusterAutoscaler", "1795000000"), { reason: /cluster autoscaler/ }],
  ["AWS: spot", taint("aws-node-termination-handler/spot-itn", "id"), { reason: /spot/, goneIn: 120 }],
  [
    "AWS: spot, where the site has chosen the mildest of taints",
    taint("aws-node-termination-handler/spot-itn", "id", "PreferNoSchedule"),
    { reason: /spot/, goneIn: 120 },
  ],
  ["AWS: maintenance", taint("aws-node-termination-handler/scheduled-maintenance"), { reason: /maintenance/ }],
  ["AWS: scaling group", taint("aws-node-termination-handler/asg-lifecycle-termination"), { reason: /scaling group/ }],
  ["GKE: termination", taint("cloud.google.com/impending-node-termination"), { reason: /terminated/ }],
  [
    "GKE: maintenance",
    node({ metadata: { labels: { "cloud.google.com/active-node-maintenance": "ONGOING" } } }),
    { reason: /maintenance/ },
  ],
  ["AKS: auto-drain", taint("remediator.kubernetes.azure.com/unschedulable"), { reason: /virtual machine/ }],
  ["AKS: auto-drain before 2025", taint("remediator.aks.microsoft.com/unschedulable"), { reason: /virtual machine/ }],
  ["AKS: spot", says("PreemptionScheduled", preempt), { reason: /Azure to preempt$/, goneIn: 38 }],
  ["AKS: spot, without a time", says("PreemptionScheduled", "Preempt Scheduled: soon. EventId: x"), {
    reason: /preempt$/,
  }],
  ["AKS: any event", says("VMEventScheduled", preempt), { reason: /Azure to preempt$/, goneIn: 38 }],
  ["AKS: redeploy", says("VMEventScheduled", "Redeploy Scheduled: Fri, 20 Nov 2026 12:10:00 GMT."), {
    reason: /redeploy$/,
    goneIn: 600,
  }],
  ["AKS: reboot, without a message", says("RebootScheduled"), { reason: /reboot$/ }],
  ["Azure's cloud provider", taint("cloudprovider.azure.microsoft.com/draining", "spot-eviction"), { reason: /spot/ }],
  ["out of service", taint("node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute"), {
    reason: /out of service/,
    goneIn: 0,
  }],
  ["shut down", taint("node.cloudprovider.kubernetes.io/shutdown"), { reason: /shut down/, goneIn: 0 }],
  [
    "its kubelet shuts down",
    { ...node(), status: { conditions: [{ type: "Ready", status: "False", message: "node is shutting down" }] } },
    { reason: /shutting down/ },
  ],
  ["being deleted", node({ metadata: { deletionTimestamp: at(-5) } }), { reason: /being deleted/ }],
  ["drained", cordoned(), { reason: /cordoned and being drained/ }, evicted([0, 1], { others: 2 })],
  ["drained: the taint of the cordon came late", cordoned(), { reason: /drained/ }, evicted([-10, -9])],
  ["not ready", lost("not-ready"), {
    reason: /not ready/,
    lost: { taint: "node.kubernetes.io/not-ready", since: now - 40, seenAt: 50 },
  }],
  ["unreachable", lost("unreachable"), {
    reason: /not ready/,
    lost: { taint: "node.kubernetes.io/unreachable", since: now - 40, seenAt: 50 },
  }],
  ["the most pressing of several", {
    ...node(),
    spec: {
      taints: [
        { key: "karpenter.sh/disrupted", effect: "NoSchedule" },
        { key: "aws-node-termination-handler/spot-itn", effect: "NoSchedule" },
        { key: "node.kubernetes.io/out-of-service", effect: "NoExecute" },
      ],
    },
  }, { reason: /out of service/, goneIn: 0 }],
];
for (const [what, one, { reason, goneIn, lost }, also] of goes) {
  Deno.test(`a node is about to go: ${what}`, () => {
    const departure = nodeDeparture(one, { ...known, ...also });
    assert.match(departure?.reason ?? "", reason);
    assert.deepEqual(departure, {
      uid: "u",
      reason: departure?.reason,
      ...(goneIn === undefined ? {} : { goneAt: now + goneIn }),
      ...(lost === undefined ? {} : { lost }),
    });
  });
}

Deno.test("a notice runs from when it was first seen, for this node and this reason only", () => {
  const spot = taint("aws-node-termination-handler/spot-itn");
  const before = nodeDeparture(spot, known);
  const later = { ...known, now: now + 100, before };
  assert.equal(nodeDeparture(spot, later)?.goneAt, now + 120);
  assert.equal(nodeDeparture({ ...spot, metadata: { name: "n", uid: "another" } }, later)?.goneAt, now + 220);
  assert.equal(nodeDeparture(taint("node.kubernetes.io/out-of-service"), later)?.goneAt, now + 100);
});

Deno.test("Azure may move an event", () => {
  const before = nodeDeparture(says("PreemptionScheduled", preempt), known);
  const sooner = says("PreemptionScheduled", preempt.replace("12:00:38", "12:00:13"));
  assert.equal(nodeDeparture(sooner, { ...known, before })?.goneAt, now + 13);
});

Deno.test("a node that is drained is so until it is uncordoned, however long ago the last eviction was", () => {
  const before = nodeDeparture(cordoned(), { ...known, ...evicted([0, 0]) });
  assert.deepEqual(nodeDeparture(cordoned(), { ...known, before }), before);
  assert.equal(nodeDeparture(node(), { ...known, before }), undefined);
  const another = { ...cordoned(), metadata: { name: "n", uid: "another" } };
  assert.equal(nodeDeparture(another, { ...known, before }), undefined);
});

Deno.test("a node that is back under its old name and uid owes nothing to its deletion", () => {
  const before = { uid: "u", reason: "cordoned and being drained", goneAt: now, isDeleted: true };
  assert.equal(nodeDeparture(cordoned(), { ...known, before }), undefined);
});

Deno.test("since when a node is lost by our own clock is noted when that is first seen, and holds for this loss alone", () => {
  const seenAt = (one: Node, hostNow: number, before?: KnownNode["before"]) =>
    nodeDeparture(one, { ...known, hostNow, before });
  const first = seenAt(lost("not-ready"), 100);
  assert.equal(first?.lost?.seenAt, 100);
  assert.equal(seenAt(lost("not-ready"), 900, first)?.lost?.seenAt, 100);
  assert.equal(seenAt(lost("unreachable"), 900, first)?.lost?.seenAt, 900);
});
