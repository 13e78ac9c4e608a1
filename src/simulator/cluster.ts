import type { Clock } from "../clock.ts";
import type { NodeCondition, Pod, Taint } from "../kube/types.ts";
import type { Random } from "../random.ts";
import { Access, type User } from "./access.ts";
import { Admission } from "./admission.ts";
import { Api } from "./api.ts";
import { Collections } from "./collections.ts";
import { defaultStages } from "./default_stages.ts";
import { Disruptions } from "./disruptions.ts";
import { type ActiveFault, FaultSet } from "./fault_set.ts";
import { type Fault, type FaultInput, parseFault } from "./faults.ts";
import { drawUid } from "./identifier.ts";
import { Interference } from "./interference.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type Namespace, Namespaces, type ResourceQuota } from "./namespaces.ts";
import { NodeOperations } from "./node_operations.ts";
import { type Node, type NodeOptions, Nodes, withLifecycleTaints } from "./nodes.ts";
import { type DeleteOptions, PodOperations } from "./pod_operations.ts";
import type { Stage } from "./stages.ts";
import { ApiError } from "./status.ts";
import { type Change, Revisions, Store } from "./store.ts";
import { Timeline } from "./timeline.ts";
import { Watches } from "./watching.ts";

/** What a simulated cluster is made of. */
export interface ClusterOptions {
  /** All time comes from here, and all waiting. */
  clock: Clock;
  /** Every choice comes from here: uids, jitter, what strikes whom. */
  random: Random;
  /** What becomes of pods; default `defaultStages`. */
  stages?: Stage[];
  /** Faults that are on from the start. */
  faults?: Fault[];
  /** Who may come; default one administrator, `admin`, with the token `admin`. */
  users?: User[];
  /** What whoever comes without a token counts as; default: as one who may do nothing. */
  anonymous?: User;
  /** Beside `default` and `kube-system`. */
  namespaces?: string[];
  nodes?: NodeOptions;
  /** Changes that are remembered for watches and pages, default 10,000; who asks for older ones gets 410. */
  historyLimit?: number;
  /** How often a watch that wants bookmarks gets one, in milliseconds; default one minute. */
  bookmarkPeriodMs?: number;
}

/** Where a pod is, for the calls of the control surface; the namespace is `default` where it is not given. */
export interface PodPlace {
  namespace?: string;
}

/** How many pods there are, by phase and beside that. */
export interface PodCounts {
  total: number;
  phases: Partial<Record<string, number>>;
  ready: number;
  deleting: number;
}

/**
 * A Kubernetes cluster in memory: an API server over `handle`, and something that plays scheduler, nodes and kubelets. Under a
 * simulated clock and a seeded random it does the same again, step for step. What it gives out is never changed in place, and
 * must not be by the caller.
 */
export class SimulatedCluster {
  readonly #clock: Clock;
  readonly #timeline: Timeline;
  readonly #faults: FaultSet;
  readonly #pods: Store<Pod>;
  readonly #nodes: Nodes;
  readonly #namespaces: Store<Namespace>;
  readonly #watches: Watches;
  readonly #lifecycle: Lifecycle;
  readonly #operations: PodOperations;
  readonly #disruptions: Disruptions;
  readonly #api: Api;
  readonly access: Access;

  constructor(options: ClusterOptions) {
    const { clock, random, historyLimit = 10_000, bookmarkPeriodMs = 60_000 } = options;
    const revisions = new Revisions();
    const history = { historyLimit, now: () => clock.now() };
    this.#clock = clock;
    this.#timeline = new Timeline(clock);
    this.#faults = new FaultSet(random);
    this.#pods = new Store<Pod>(revisions, history);
    this.#namespaces = new Store<Namespace>(revisions, history);
    const quotas = new Store<ResourceQuota>(revisions, history);
    const namespaceOperations = new Namespaces({ clock, random, namespaces: this.#namespaces, quotas });
    for (const name of new Set(["default", "kube-system", ...(options.namespaces ?? [])])) {
      namespaceOperations.add(name);
    }
    this.#nodes = new Nodes(revisions, { ...options.nodes, ...history, drawUid: () => drawUid(random) });
    this.#watches = new Watches(this.#timeline, { bookmarkPeriodMs });
    this.#lifecycle = new Lifecycle({
      clock,
      random,
      timeline: this.#timeline,
      pods: this.#pods,
      nodes: this.#nodes,
      stages: options.stages ?? defaultStages,
    });
    const admission = new Admission({ faults: this.#faults, pods: this.#pods, namespaces: namespaceOperations });
    this.#operations = new PodOperations({
      clock,
      random,
      pods: this.#pods,
      lifecycle: this.#lifecycle,
      admission,
      faults: this.#faults,
    });
    this.#disruptions = new Disruptions({
      clock,
      timeline: this.#timeline,
      faults: this.#faults,
      pods: this.#pods,
      watches: this.#watches,
    });
    this.access = new Access(options.users ?? [{ name: "admin", token: "admin" }], options);
    this.#api = new Api({
      clock,
      access: this.access,
      admission,
      interference: new Interference({ faults: this.#faults, clock, random }),
      collections: new Collections({ clock, random, faults: this.#faults, watches: this.#watches, pods: this.#pods }),
      podOperations: this.#operations,
      nodeOperations: new NodeOperations(this.#nodes.store, history),
      namespaceOperations,
      pods: this.#pods,
      nodes: this.#nodes.store,
      namespaces: this.#namespaces,
    });
    // A pod whose node is deleted goes with it, as the pod garbage collector sees to.
    this.#nodes.store.onChange((change) => this.#collectPodsOf(change));
    for (const fault of options.faults ?? []) this.#startFault(fault);
  }

  /**
   * Answers one request of the Kubernetes API. The host in its URL does not matter.
   * @throws TypeError where a fault breaks the connection, as `fetch` does
   */
  handle(request: Request): Promise<Response> {
    return this.#api.handle(request);
  }

  /** Ends all watches and everything that was still to happen. */
  stop(): void {
    for (const watch of this.#watches.list()) watch.end();
    this.#timeline.stop();
  }

  /** Pods of all namespaces, or of one, in the order of their creation. */
  listPods({ namespace }: PodPlace = {}): Pod[] {
    return [...this.#pods.values()].filter(({ metadata }) =>
      namespace === undefined || metadata.namespace === namespace
    );
  }

  getPod(name: string, { namespace = "default" }: PodPlace = {}): Pod | undefined {
    return this.#pods.get(namespace, name);
  }

  countPods({ namespace }: PodPlace = {}): PodCounts {
    const counts: PodCounts = { total: 0, phases: {}, ready: 0, deleting: 0 };
    for (const { metadata, status } of this.#pods.values()) {
      if (namespace !== undefined && metadata.namespace !== namespace) continue;
      const phase = status?.phase ?? "Unknown";
      counts.total++;
      counts.phases[phase] = (counts.phases[phase] ?? 0) + 1;
      if (metadata.deletionTimestamp !== undefined) counts.deleting++;
      if (status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")) counts.ready++;
    }
    return counts;
  }

  /** Calls `listener` for every change of a pod, at once. */
  onPodChange(listener: (change: Change<Pod>) => void): void {
    this.#pods.onChange(listener);
  }

  /** Creates a pod as another user of the cluster, past faults of the network but not past quota and policy. */
  createPod(pod: Partial<Pod>, { namespace = "default" }: PodPlace = {}): Pod {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const route = { verb: "create", resource: "pods", subresource: "", namespace, name: "", path };
    return this.#operations.create(JSON.stringify(pod), { ...route, query: new URLSearchParams() });
  }

  /** Deletes a pod as another user of the cluster. False where there is none. */
  deletePod(name: string, { namespace = "default", ...options }: PodPlace & DeleteOptions = {}): boolean {
    if (!this.#pods.get(namespace, name)) return false;
    this.#operations.delete({ namespace, name }, options);
    return true;
  }

  /** A pod is evicted by its kubelet: phase Failed, reason Evicted, `message`. False where there is none to evict. */
  evict(name: string, message?: string, { namespace = "default" }: PodPlace = {}): boolean {
    const pod = this.#living(namespace, name);
    if (pod) this.#disruptions.evict(pod, message);
    return pod !== undefined;
  }

  /** A pod makes room for one of higher priority. False where there is none. */
  preempt(name: string, { namespace = "default", graceSeconds }: PodPlace & { graceSeconds?: number } = {}): boolean {
    const pod = this.#living(namespace, name);
    if (pod && pod.metadata.deletionTimestamp === undefined) this.#disruptions.preempt(pod, graceSeconds);
    return pod !== undefined;
  }

  /** The program in a pod ends: 0 succeeds, all else fails. False where there is none. */
  endPod(
    name: string,
    { namespace = "default", exitCode = 1, reason = exitCode === 0 ? "Completed" : "Error" }:
      & PodPlace
      & { exitCode?: number; reason?: string } = {},
  ): boolean {
    const pod = this.#living(namespace, name);
    if (pod) this.#disruptions.end(pod, { exitCode, reason });
    return pod !== undefined;
  }

  /** Other stages for all pods, from now on. */
  setStages(stages: Stage[]): void {
    this.#lifecycle.setStages(stages);
  }

  listNodes(): Node[] {
    return [...this.#nodes.store.values()];
  }

  /** Puts a taint on a node; a NoExecute taint does not evict by itself here. */
  taintNode(name: string, taint: Taint): void {
    this.#changeNode(name, (node) => {
      const others = (node.spec.taints ?? []).filter(({ key }) => key !== taint.key);
      return { ...node, spec: { ...node.spec, taints: [...others, taint] } };
    });
  }

  untaintNode(name: string, key: string): void {
    this.#changeNode(name, (node) => {
      const taints = (node.spec.taints ?? []).filter((taint) => taint.key !== key);
      return { ...node, spec: { ...node.spec, taints } };
    });
  }

  /** Nothing new is scheduled on it. */
  cordonNode(name: string, unschedulable = true): void {
    this.#changeNode(name, (node) => ({ ...node, spec: { ...node.spec, unschedulable } }));
  }

  /** Says something of a node: that it is not ready, say. */
  setNodeCondition(name: string, condition: NodeCondition): void {
    this.#changeNode(name, (node) => {
      const conditions = (node.status["conditions"] ?? []) as NodeCondition[];
      const others = conditions.filter(({ type }) => type !== condition.type);
      return { ...node, status: { ...node.status, conditions: [...others, condition] } };
    });
  }

  /** A node is gone, and its pods with it. False where there is none. */
  removeNode(name: string): boolean {
    const node = this.#nodes.store.get("", name);
    if (node) this.#nodes.store.remove(node);
    return node !== undefined;
  }

  /**
   * Turns a fault on, or replaces the one of the same id; gives back its id.
   * @throws HostFactoryError where it is not one
   */
  setFault(fault: FaultInput): string {
    return this.#startFault(parseFault(fault, "setFault"));
  }

  /** Turns a fault off. False where it was not on. */
  clearFault(id: string): boolean {
    this.#disruptions.stop(id);
    return this.#faults.clear(id);
  }

  clearFaults(): void {
    for (const { id } of this.#faults.list()) this.clearFault(id);
  }

  listFaults(): ActiveFault[] {
    return this.#faults.list();
  }

  /** Breaks every watch that is open, or ends it cleanly. Gives back how many. */
  dropWatches({ how = "break" }: { how?: "break" | "end" } = {}): number {
    const watches = this.#watches.list();
    for (const watch of watches) {
      if (how === "end") watch.end();
      else watch.break();
    }
    return watches.length;
  }

  /** Lets every watch that is open go silent, without ending it. */
  silenceWatches(): number {
    const watches = this.#watches.list();
    for (const watch of watches) watch.silent = true;
    return watches.length;
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** The most recent resource version. */
  get revision(): number {
    return this.#pods.revision;
  }

  /** Forgets all history: resource versions and continue tokens from before are answered with 410. */
  compact(): void {
    this.#pods.compact();
    this.#nodes.store.compact();
    this.#namespaces.compact();
  }

  #startFault(fault: Fault): string {
    const active = this.#faults.set(fault);
    this.#disruptions.start(active);
    return active.id;
  }

  #living(namespace: string, name: string): Pod | undefined {
    const pod = this.#pods.get(namespace, name);
    return pod?.status?.phase === "Failed" || pod?.status?.phase === "Succeeded" ? undefined : pod;
  }

  #changeNode(name: string, change: (node: Node) => Node): void {
    const node = this.#nodes.store.get("", name);
    if (!node) throw new ApiError(404, `nodes "${name}" not found`);
    this.#nodes.store.put(withLifecycleTaints(change(node), this.#clock.now()));
  }

  #collectPodsOf({ type, object }: Change<Node>): void {
    if (type !== "DELETED") return;
    for (const pod of this.listPods().filter(({ spec }) => spec.nodeName === object.metadata.name)) {
      this.#lifecycle.finish(pod);
    }
  }
}
