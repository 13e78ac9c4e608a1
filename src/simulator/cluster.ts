import type { Clock } from "../clock.ts";
import type { Lease, NodeCondition, Pod, Taint } from "../kube/types.ts";
import type { Random } from "../random.ts";
import { Access, type User } from "./api/access.ts";
import { Admission } from "./objects/admission.ts";
import { Api } from "./api/api.ts";
import { Collections } from "./api/collections.ts";
import { defaultStages } from "./behaviour/default_stages.ts";
import { Disruptions } from "./api/disruptions.ts";
import { type ClusterSnapshot, Etcd } from "./etcd.ts";
import { type ActiveFault, FaultSet } from "./faults/fault_set.ts";
import { type Fault, type FaultInput, parseFault } from "./faults/faults.ts";
import { drawUid } from "./store/identifier.ts";
import { Interference } from "./faults/interference.ts";
import { LeaseOperations, type StoredLease } from "./objects/lease_operations.ts";
import { Lifecycle } from "./behaviour/lifecycle.ts";
import { NamespaceController } from "./objects/namespace_controller.ts";
import { type Namespace, Namespaces } from "./objects/namespaces.ts";
import { NodeOperations } from "./objects/node_operations.ts";
import { type Node, type NodeOptions, Nodes } from "./behaviour/nodes.ts";
import { hasEnded } from "./behaviour/pod_changes.ts";
import { countPods, type PodCounts } from "./behaviour/pod_counts.ts";
import { type DeleteOptions, PodOperations } from "./objects/pod_operations.ts";
import { resourcesOf } from "./objects/resources.ts";
import { storedOperationsOf } from "./objects/stored_operations.ts";
import type { Stage } from "./behaviour/stages.ts";
import type { ApiServerOnRestore } from "./store/store.ts";
import type { Change } from "./store/stored.ts";
import { Timeline } from "./behaviour/timeline.ts";
import { Watches } from "./api/watching.ts";

/** The options of a simulated cluster. */
export interface ClusterOptions {
  /** The source of all time and all waiting. */
  clock: Clock;
  /** The source of every random choice: uids, jitter, what faults hit. */
  random: Random;
  /** The behaviour of pods; default: `defaultStages`. */
  stages?: Stage[];
  /** Faults that are on from the start. */
  faults?: Fault[];
  /** The users by token; default: one administrator, `admin`, with the token `admin`. */
  users?: User[];
  /** The user of requests without a token; default: one who may do nothing. */
  anonymous?: User;
  /** In addition to `default` and `kube-system`. */
  namespaces?: string[];
  nodes?: NodeOptions;
  /** How many changes are kept for watches and pages, default 10,000; older versions are answered with 410. */
  historyLimit?: number;
  /** How often a watch that wants bookmarks gets one, in milliseconds; default one minute. */
  bookmarkPeriodMs?: number;
}

/** The namespace of a pod or a lease, for calls that do not come over the API. */
export interface InNamespace {
  /** Default: `default`. */
  namespace?: string;
}

/**
 * A Kubernetes cluster in memory: an API server behind `handle`, with a scheduler, nodes and kubelets. With a simulated
 * clock and seeded randomness, every run is identical, step by step. It never modifies objects that it has returned,
 * and callers must not modify them either.
 */
export class SimulatedCluster {
  readonly #timeline: Timeline;
  readonly #faults: FaultSet;
  readonly #etcd: Etcd;
  readonly #watches: Watches;
  readonly #lifecycle: Lifecycle;
  readonly #pods: PodOperations;
  readonly #nodes: NodeOperations;
  readonly #leases: LeaseOperations;
  readonly #namespaces: NamespaceController;
  readonly #disruptions: Disruptions;
  readonly #api: Api;
  readonly access: Access;

  constructor(options: ClusterOptions) {
    const { clock, random, historyLimit = 10_000, bookmarkPeriodMs = 60_000, stages = defaultStages } = options;
    const now = () => clock.now();
    const timeline = this.#timeline = new Timeline(clock);
    const faults = this.#faults = new FaultSet(random);
    const etcd = this.#etcd = new Etcd({ historyLimit, now });
    const { pods, quotas, leases } = etcd;
    const namespaces = new Namespaces({
      clock,
      random,
      namespaces: etcd.namespaces,
      quotas,
      serviceAccounts: etcd.others.get("serviceaccounts")!,
    });
    for (const name of new Set(["default", "kube-system", ...(options.namespaces ?? [])])) namespaces.add(name);
    const nodes = new Nodes(etcd.nodes, { ...options.nodes, now, drawUid: () => drawUid(random) });
    const watches = this.#watches = new Watches(timeline, { bookmarkPeriodMs });
    const lifecycle = this.#lifecycle = new Lifecycle({ clock, random, timeline, pods, nodes, stages });
    const admission = new Admission({ faults, pods, namespaces });
    const podOperations = this.#pods = new PodOperations({ clock, random, pods, lifecycle, admission, faults });
    this.#nodes = new NodeOperations(etcd.nodes, { now });
    this.#leases = new LeaseOperations({ clock, random, leases, namespaces });
    this.#namespaces = new NamespaceController({ etcd, namespaces, podOperations, lifecycle });
    this.#disruptions = new Disruptions({ clock, timeline, faults, pods, watches, lifecycle });
    this.access = new Access(options.users ?? [{ name: "admin", token: "admin" }], options);
    this.#api = new Api({
      clock,
      access: this.access,
      admission,
      interference: new Interference({ faults, clock, random }),
      etcd,
      resources: resourcesOf(etcd),
      collections: new Collections({ clock, random, faults, watches }),
      podOperations,
      nodeOperations: this.#nodes,
      leaseOperations: this.#leases,
      namespaceOperations: namespaces,
      namespaceController: this.#namespaces,
      storedOperations: storedOperationsOf({ others: etcd.others, clock, random, namespaces }),
    });
    etcd.nodes.onChange((change) => this.#collectPodsOf(change));
    for (const fault of options.faults ?? []) this.#startFault(fault);
  }

  /**
   * Answers one request of the Kubernetes API. The host in its URL does not matter.
   * @throws TypeError if a fault breaks the connection, as `fetch` does
   */
  handle(request: Request): Promise<Response> {
    return this.#api.handle(request);
  }

  /** Ends all watches, and cancels everything that was scheduled. */
  stop(): void {
    for (const watch of this.#watches.list()) watch.end();
    this.#timeline.stop();
  }

  /** Pods of all namespaces, or of one, in the order of their creation. */
  listPods({ namespace }: InNamespace = {}): Pod[] {
    return namespace === undefined ? [...this.#etcd.pods.values()] : this.#etcd.pods.valuesIn(namespace);
  }

  getPod(name: string, { namespace = "default" }: InNamespace = {}): Pod | undefined {
    return this.#etcd.pods.get(namespace, name);
  }

  countPods(where: InNamespace = {}): PodCounts {
    return countPods(this.listPods(where));
  }

  /** Calls `listener` for every change of a pod, at once. `restore` reports none. */
  onPodChange(listener: (change: Change<Pod>) => void): void {
    this.#etcd.pods.onChange(listener);
  }

  /** Creates a pod as another user of the cluster. Faults of the network do not affect that; quota and policy do. */
  createPod(pod: Partial<Pod>, { namespace = "default" }: InNamespace = {}): Pod {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const route = { verb: "create", group: "", resource: "pods", subresource: "", namespace, name: "", path };
    return this.#pods.create(JSON.stringify(pod), { ...route, query: new URLSearchParams(), warnings: [] });
  }

  /** Deletes a pod as another user of the cluster. False if there is none. */
  deletePod(name: string, { namespace = "default", ...options }: InNamespace & DeleteOptions = {}): boolean {
    if (!this.#etcd.pods.get(namespace, name)) return false;
    this.#pods.delete({ namespace, name }, options);
    return true;
  }

  /** A pod is evicted by its kubelet: phase Failed, reason Evicted, `message`. False if there is none to evict. */
  evict(name: string, message?: string, { namespace = "default" }: InNamespace = {}): boolean {
    const pod = this.#living(namespace, name);
    if (pod) this.#disruptions.evict(pod, message);
    return pod !== undefined;
  }

  /** A pod makes room for one of higher priority. False if there is none. */
  preempt(
    name: string,
    { namespace = "default", graceSeconds }: InNamespace & { graceSeconds?: number } = {},
  ): boolean {
    const pod = this.#living(namespace, name);
    if (pod && pod.metadata.deletionTimestamp === undefined) this.#disruptions.preempt(pod, graceSeconds);
    return pod !== undefined;
  }

  /** The program in a pod exits: with 0 the pod succeeds, else it fails. False if there is no such pod. */
  endPod(
    name: string,
    { namespace = "default", exitCode = 1, reason = exitCode === 0 ? "Completed" : "Error" }:
      & InNamespace
      & { exitCode?: number; reason?: string } = {},
  ): boolean {
    const pod = this.#living(namespace, name);
    if (pod) this.#disruptions.end(pod, { exitCode, reason });
    return pod !== undefined;
  }

  /** Replaces the stages of all pods from now on. */
  setStages(stages: Stage[]): void {
    this.#lifecycle.setStages(stages);
  }

  getLease(name: string, { namespace = "default" }: InNamespace = {}): StoredLease | undefined {
    return this.#etcd.leases.get(namespace, name);
  }

  /** Creates or replaces a lease as another user of the cluster, whatever its resource version. */
  putLease(lease: Lease, { namespace = "default" }: InNamespace = {}): StoredLease {
    const { name = "", labels = {}, annotations = {} } = lease.metadata;
    const resourceVersion = this.getLease(name, { namespace })?.metadata.resourceVersion;
    const metadata = { name, labels, annotations, resourceVersion };
    const route = { namespace, name, query: new URLSearchParams(), warnings: [] };
    return this.#leases.update(JSON.stringify({ metadata, spec: lease.spec }), route).lease;
  }

  /** Deletes a lease as another user of the cluster. False if there is none. */
  deleteLease(name: string, { namespace = "default" }: InNamespace = {}): boolean {
    if (!this.getLease(name, { namespace })) return false;
    this.#leases.delete({ namespace, name });
    return true;
  }

  /** Deletes a namespace with everything in it, at once, and creates it again with another uid. */
  recreateNamespace(name: string): Namespace {
    return this.#namespaces.recreate(name);
  }

  listNodes(): Node[] {
    return [...this.#etcd.nodes.values()];
  }

  /** Puts a taint on a node; a NoExecute taint does not evict by itself here. */
  taintNode(name: string, taint: Taint): void {
    this.#nodes.taint(name, taint);
  }

  untaintNode(name: string, key: string): void {
    this.#nodes.untaint(name, key);
  }

  /** Cordons a node, so that no new pods are scheduled on it, or uncordons it. */
  cordonNode(name: string, unschedulable = true): void {
    this.#nodes.change(name, (node) => ({ ...node, spec: { ...node.spec, unschedulable } }));
  }

  /** Sets a condition of a node, such as that it is not ready. */
  setNodeCondition(name: string, condition: NodeCondition): void {
    this.#nodes.setCondition(name, condition);
  }

  /** Deletes a node; the pod garbage collector deletes its pods at once. False if there is none. */
  removeNode(name: string): boolean {
    const node = this.#etcd.nodes.get("", name);
    if (node) this.#etcd.nodes.remove(node);
    return node !== undefined;
  }

  /**
   * Turns a fault on, or replaces the one with the same id. @returns its id
   * @throws HostFactoryError if it is not a valid fault
   */
  setFault(fault: FaultInput): string {
    return this.#startFault(parseFault(fault, "setFault"));
  }

  /** Turns a fault off. False if it was not on. */
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

  /** Breaks every open watch, or ends it cleanly. @returns how many there were */
  dropWatches({ how = "break" }: { how?: "break" | "end" } = {}): number {
    const watches = this.#watches.list();
    for (const watch of watches) {
      if (how === "end") watch.end();
      else watch.break();
    }
    return watches.length;
  }

  /** Makes every open watch silent, without ending it. */
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
    return this.#etcd.revision;
  }

  /** Forgets all history: resource versions and continue tokens from before are answered with 410. */
  compact(): void {
    this.#etcd.compact();
  }

  /** All objects of the cluster as they are now, for `restore`. */
  snapshot(): ClusterSnapshot {
    return this.#etcd.snapshot();
  }

  /**
   * Restores etcd from a snapshot. `Etcd.restore` describes how an API server behaves that is restarted (the default)
   * or not.
   */
  restore(snapshot: ClusterSnapshot, { apiServer = "restarted" }: { apiServer?: ApiServerOnRestore } = {}): void {
    if (apiServer === "restarted") this.dropWatches();
    this.#etcd.restore(snapshot, apiServer);
  }

  /** Restarts the API server: watches break, watches from before get 410, and lists show the objects of etcd. */
  restartApiServer(): void {
    this.dropWatches();
    this.#etcd.restartApiServer();
  }

  #startFault(fault: Fault): string {
    const active = this.#faults.set(fault);
    this.#disruptions.start(active);
    return active.id;
  }

  #living(namespace: string, name: string): Pod | undefined {
    const pod = this.#etcd.pods.get(namespace, name);
    return pod && !hasEnded(pod) ? pod : undefined;
  }

  #collectPodsOf({ type, object }: Change<Node>): void {
    if (type !== "DELETED") return;
    for (const pod of this.listPods().filter(({ spec }) => spec.nodeName === object.metadata.name)) {
      this.#disruptions.collect(pod);
    }
  }
}
