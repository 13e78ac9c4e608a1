import type { NodeCondition, ObjectMeta, Pod, Taint } from "../../kube/types.ts";
import { amountOf } from "../protocol/quantity.ts";
import { timestamp } from "../store/timestamp.ts";
import type { Store } from "../store/store.ts";

/** How many nodes there are at the start, and what each has. */
export interface NodeOptions {
  /** Default 10. */
  count?: number;
  /** Default 512. */
  cpus?: number;
  /** In GiB, default 2048. */
  memoryGiB?: number;
  /** Default 2000. */
  pods?: number;
}

export interface Node {
  metadata: ObjectMeta;
  spec: { taints?: Taint[]; unschedulable?: boolean; [key: string]: unknown };
  status: { allocatable: { cpu: string; memory: string; pods: string }; [key: string]: unknown };
}

interface Usage {
  cpus: number;
  bytes: number;
  pods: number;
}

const ZONES = ["zone-a", "zone-b", "zone-c"];

/** The nodes of the cluster, what the pods on them use, and the scheduler's choice among them. */
export class Nodes {
  readonly store: Store<Node>;
  readonly #usage = new Map<string, Usage>();
  /** The node of each pod and what it uses there, by the pod's uid. */
  readonly #places = new Map<string, { node: string; needs: Usage }>();

  constructor(store: Store<Node>, options: NodeOptions & { now: () => number; drawUid: () => string }) {
    this.store = store;
    for (let position = 0; position < (options.count ?? 10); position++) this.store.put(newNode(position, options));
  }

  /** The node for a pod, or why there is none, in the scheduler's words. */
  choose(pod: Pod): { node: Node } | { message: string } {
    const needs = needsOf(pod);
    const refusals = new Map<string, number>();
    let best: Node | undefined;
    let bestPods = Infinity;
    for (const node of this.store.values()) {
      const used = this.#usage.get(node.metadata.name!) ?? { cpus: 0, bytes: 0, pods: 0 };
      const refusal = refusalOf(pod, { node, used, needs });
      if (refusal !== undefined) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      else if (used.pods < bestPods) {
        best = node;
        bestPods = used.pods;
      }
    }
    if (best) return { node: best };
    const total = this.store.size;
    if (total === 0) return { message: "no nodes available to schedule pods" };
    const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort().join(", ");
    return { message: `0/${total} nodes are available: ${reasons}.` };
  }

  /** Adds what a pod uses to its node. */
  occupy(pod: Pod): void {
    const node = pod.spec.nodeName;
    if (node === undefined || this.#places.has(pod.metadata.uid!)) return;
    const needs = needsOf(pod);
    this.#places.set(pod.metadata.uid!, { node, needs });
    this.#add(node, needs, 1);
  }

  /** Frees what a pod used. */
  release(pod: Pod): void {
    const place = this.#places.get(pod.metadata.uid!);
    if (!place) return;
    this.#places.delete(pod.metadata.uid!);
    this.#add(place.node, place.needs, -1);
  }

  /** Recomputes the usage of all nodes. */
  recount(pods: Pod[]): void {
    this.#usage.clear();
    this.#places.clear();
    for (const pod of pods) this.occupy(pod);
  }

  #add(node: string, needs: Usage, sign: 1 | -1): void {
    const used = this.#usage.get(node) ?? { cpus: 0, bytes: 0, pods: 0 };
    used.cpus += sign * needs.cpus;
    used.bytes += sign * needs.bytes;
    used.pods += sign * needs.pods;
    this.#usage.set(node, used);
  }
}

function newNode(
  position: number,
  { now, drawUid, cpus = 512, memoryGiB = 2048, pods = 2000 }: NodeOptions & {
    now: () => number;
    drawUid: () => string;
  },
): Node {
  const name = `node-${String(position).padStart(4, "0")}`;
  const time = timestamp(now());
  return {
    metadata: {
      name,
      uid: drawUid(),
      creationTimestamp: time,
      labels: {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "karpenter.sh/capacity-type": position % 2 === 0 ? "on-demand" : "spot",
        "node.kubernetes.io/instance-type": "simulated",
        "topology.kubernetes.io/zone": ZONES[position % ZONES.length]!,
      },
    },
    spec: {},
    status: readyStatus(name, { cpu: String(cpus), memory: `${memoryGiB}Gi`, pods: String(pods) }, time),
  };
}

/** The status of a node that is ready, all of whose resources pods may use. */
function readyStatus(name: string, resources: Node["status"]["allocatable"], time: string): Node["status"] {
  return {
    capacity: resources,
    allocatable: resources,
    conditions: [{
      type: "Ready",
      status: "True",
      lastHeartbeatTime: time,
      lastTransitionTime: time,
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
    }],
    addresses: [{ type: "InternalIP", address: nodeAddress(name) }, { type: "Hostname", address: name }],
    nodeInfo: {
      architecture: "amd64",
      containerRuntimeVersion: "simulated",
      kubeletVersion: "v1.36.3",
      operatingSystem: "linux",
      osImage: "simulated",
    },
  };
}

/** Keys of the taints that follow from the state of a node. Users cannot set them. */
const LIFECYCLE_TAINT = /^node\.kubernetes\.io\/(unschedulable|not-ready|unreachable)$/;

/**
 * The node with the taints that the node lifecycle controller gives it for being cordoned or not ready, and without
 * outdated ones.
 */
export function withLifecycleTaints(node: Node, now: number): Node {
  const before = node.spec.taints ?? [];
  const conditions = (node.status["conditions"] ?? []) as NodeCondition[];
  const ready = conditions.find(({ type }) => type === "Ready")?.status ?? "True";
  const wanted: Taint[] = node.spec.unschedulable
    ? [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }]
    : [];
  if (ready !== "True") {
    const key = `node.kubernetes.io/${ready === "False" ? "not-ready" : "unreachable"}`;
    wanted.push({ key, effect: "NoSchedule" }, { key, effect: "NoExecute" });
  }
  const timeAdded = timestamp(now);
  const own = wanted.map(({ key, effect }) =>
    before.find((taint) => taint.key === key && taint.effect === effect && taint.timeAdded) ??
      { key, effect, timeAdded }
  );
  const taints = [...before.filter(({ key }) => !LIFECYCLE_TAINT.test(key)), ...own];
  const { taints: _, ...spec } = node.spec;
  return { ...node, spec: { ...spec, ...(taints.length > 0 ? { taints } : {}) } };
}

/** The address of a node, from the number in its name. */
export function nodeAddress(name: string): string {
  const number = Number(/\d+$/.exec(name)?.[0] ?? 0) + 1;
  return `10.${200 + (number >> 16) % 50}.${(number >> 8) & 255}.${number & 255}`;
}

/** Why a node does not take a pod, in the scheduler's words; `undefined` if it does. */
function refusalOf(
  pod: Pod,
  { node, used, needs }: { node: Node; used: Usage; needs: Usage },
): string | undefined {
  if (node.spec.unschedulable) return "node(s) were unschedulable";
  const taint = node.spec.taints?.find((taint) => taint.effect !== "PreferNoSchedule" && !isTolerated(pod, taint));
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  const wanted = Object.entries((pod.spec["nodeSelector"] ?? {}) as Record<string, string>);
  if (wanted.some(([key, value]) => node.metadata.labels?.[key] !== value)) {
    return "node(s) didn't match Pod's node affinity/selector";
  }
  const { allocatable } = node.status;
  if (used.pods + 1 > amountOf(allocatable.pods)) return "Too many pods";
  if (used.cpus + needs.cpus > amountOf(allocatable.cpu)) return "Insufficient cpu";
  if (used.bytes + needs.bytes > amountOf(allocatable.memory)) return "Insufficient memory";
  return undefined;
}

function isTolerated(pod: Pod, taint: Taint): boolean {
  const tolerations = (pod.spec["tolerations"] ?? []) as {
    key?: string;
    operator?: string;
    value?: string;
    effect?: string;
  }[];
  return tolerations.some(({ key, operator, value, effect }) =>
    (key === undefined || key === taint.key) && (effect === undefined || effect === taint.effect) &&
    (operator === "Exists" || (value ?? "") === (taint.value ?? ""))
  );
}

function needsOf(pod: Pod): Usage {
  const needs = { cpus: 0, bytes: 0, pods: 1 };
  for (const container of pod.spec.containers) {
    const requests = (container["resources"] as { requests?: Record<string, string> } | undefined)?.requests;
    needs.cpus += amountOf(requests?.["cpu"]);
    needs.bytes += amountOf(requests?.["memory"]);
  }
  return needs;
}
