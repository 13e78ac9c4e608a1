import type {
  ExtensionResource,
  ExtensionStatus,
  KubeEvent,
  KubeList,
  Lease,
  Node,
  Pod,
  ResourceQuota,
  WatchEvent,
} from "./types.ts";

/**
 * Everything that we ask of a cluster. Pods, leases and registrations are those of the one namespace that the
 * credentials or `--namespace` name. Every call throws `KubeError` and nothing else, except that an abort throws the
 * signal's reason.
 */
export interface Kube {
  /**
   * The time on the cluster, in milliseconds since the epoch and at most a second late, whatever the clock of the
   * machine that we run on says; `undefined` before the cluster's first answer.
   */
  now(): number | undefined;
  /**
   * Creates a pod, and returns it as the server stored it.
   * @param options `dryRun`: nothing is stored; the server only says what it would do (false)
   */
  createPod(pod: Pod, options?: CallOptions & { dryRun?: boolean }): Promise<Pod>;
  /** @throws KubeError of kind `notFound` if there is no such pod */
  getPod(name: string, options?: CallOptions): Promise<Pod>;
  /**
   * Sets annotations of the pod with this uid; others stay as they are.
   * @throws KubeError `notFound` if no pod has the name, `conflict` if the pod of that name has another uid
   */
  annotatePod(name: string, options: CallOptions & { uid: string; annotations: Record<string, string> }): Promise<void>;
  /**
   * Asks for the deletion of the pod with this uid; it is gone only once the cluster says so.
   * @throws KubeError `notFound` if no pod has the name, `conflict` if the pod of that name has another uid
   */
  deletePod(name: string, options: CallOptions & { uid: string; gracePeriodSeconds?: number }): Promise<void>;
  /**
   * Asks for the eviction of the pod with this uid, which disruption budgets may refuse for now.
   * @throws KubeError `throttled` if a budget refuses it, `notFound` if no pod has the name, `conflict` if the pod of
   * that name has another uid
   */
  evictPod(name: string, options: CallOptions & { uid: string }): Promise<void>;
  /** Cordons the node: it gets no new pods. @throws KubeError `notFound` if there is no such node */
  cordonNode(name: string, options?: CallOptions): Promise<void>;
  listPods(options: CallOptions & ListOptions): Promise<KubeList<Pod>>;
  watchPods(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Pod>>;
  /** Nodes belong to no namespace: a user who may see pods may not be allowed to see nodes (`unauthorised`). */
  listNodes(options: CallOptions & ListOptions): Promise<KubeList<Node>>;
  watchNodes(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Node>>;
  /**
   * The Events about the pods of the namespace, or about all nodes. This needs a right of its own, as does `listNodes`.
   */
  events(about: "Pod" | "Node"): Source<KubeEvent>;
  /**
   * The registrations of extensions in the namespace.
   * @throws KubeError `notFound` if the cluster does not know this kind, `unauthorised` if a user may not see them
   */
  listExtensions(options: CallOptions & ListOptions): Promise<KubeList<ExtensionResource>>;
  watchExtensions(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<ExtensionResource>>;
  /**
   * Sets the given fields in the status of the registration with this uid.
   * @throws KubeError `notFound` if no registration has the name, `conflict` if the one of that name has another uid
   */
  patchExtensionStatus(name: string, options: CallOptions & { uid: string; status: ExtensionStatus }): Promise<void>;
  /** @throws KubeError of kind `notFound` if there is no such lease */
  getLease(name: string, options?: CallOptions): Promise<Lease>;
  /** @throws KubeError of kind `alreadyExists` if another process was quicker */
  createLease(lease: Lease, options?: CallOptions): Promise<Lease>;
  /** Replaces the lease that has the resource version. @throws KubeError of kind `conflict` if it has changed since */
  updateLease(lease: Lease, options?: CallOptions): Promise<Lease>;
  /** Whether the user that we log in as may do something in the namespace. */
  isAllowed(right: Right, options?: CallOptions): Promise<boolean>;
  /** The resource quotas of the namespace. */
  listQuotas(options?: CallOptions): Promise<KubeList<ResourceQuota>>;
  /**
   * Checks that the cluster is still the one that we mean. To be called before something that it does not have counts
   * as gone.
   * @throws KubeError if it is another one
   */
  verify(options?: CallOptions): Promise<void>;
  /**
   * How often etcd was found to have been restored from a snapshot while the API server kept running. Its lists then
   * show objects that do not exist any more.
   */
  restores(): number;
  /** Closes all connections: the next call, of whatever kind, makes a new one. */
  reconnect(): void;
}

/** Something that RBAC grants: a verb on a resource, such as `create` on `pods`. */
export interface Right {
  verb: string;
  /** Empty for the core group. */
  group: string;
  resource: string;
}

/** All objects of one kind, which can be listed and watched. */
export interface Source<T> {
  /** One page of objects. Without `resourceVersion` the answer is the most recent state (a quorum read). */
  list(options: CallOptions & ListOptions): Promise<KubeList<T>>;
  /**
   * The changes since `resourceVersion`, until the server ends the stream (which is no error), the connection drops
   * (`unavailable`), or nothing at all was heard for `idleTimeoutMs` (`unavailable`). An ERROR event is thrown as
   * KubeError.
   */
  watch(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Closes the open connections, so that the next answer comes over a new one. */
  reconnect?(): void;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** How long the whole answer may take, in milliseconds. Default: 30 s. */
  timeoutMs?: number;
}

export interface ListOptions {
  labelSelector?: string;
  /** Such as `metadata.name=x`. */
  fieldSelector?: string;
  /** The most objects in a page. */
  limit?: number;
  /** The `metadata.continue` of the page before. */
  continueToken?: string;
}

export interface WatchOptions {
  labelSelector?: string;
  /** Such as `metadata.name=x`. */
  fieldSelector?: string;
  /** Absent: begins with an ADDED event for each object that exists. */
  resourceVersion?: string;
  /** After how many seconds the server ends the watch by itself. */
  timeoutSeconds: number;
  /** After how many milliseconds of silence the connection counts as dead. */
  idleTimeoutMs: number;
}
