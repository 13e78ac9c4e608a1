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
 * Everything that we ask of a cluster: pods and a lease in the one namespace that the credentials or `--namespace` name, and
 * nodes. Every call throws `KubeError` and nothing else, but for aborts, which throw the signal's reason.
 */
export interface Kube {
  /**
   * What time it is on the cluster, in milliseconds since the epoch and at most a second late, whatever the clock of the
   * machine that we run on says; nothing before the cluster's first answer.
   */
  now(): number | undefined;
  /**
   * Creates a pod and gives it back as the server stored it.
   * @param options `dryRun`: nothing is stored; the server only says what it would do (false)
   */
  createPod(pod: Pod, options?: CallOptions & { dryRun?: boolean }): Promise<Pod>;
  /** @throws KubeError of kind `notFound` if there is no such pod */
  getPod(name: string, options?: CallOptions): Promise<Pod>;
  /**
   * Sets annotations of the pod with this uid; others stay as they are.
   * @throws KubeError `notFound` if no pod has the name, `conflict` where the name belongs to another uid
   */
  annotatePod(name: string, options: CallOptions & { uid: string; annotations: Record<string, string> }): Promise<void>;
  /**
   * Asks for the deletion of the pod with this uid; it is gone only once the cluster says so.
   * @throws KubeError `notFound` if no pod has the name, `conflict` where the name belongs to another uid
   */
  deletePod(name: string, options: CallOptions & { uid: string; gracePeriodSeconds?: number }): Promise<void>;
  /**
   * Asks for the eviction of the pod with this uid, which disruption budgets may refuse for now.
   * @throws KubeError `throttled` where a budget does, `notFound` if no pod has the name, `conflict` where it belongs to another uid
   */
  evictPod(name: string, options: CallOptions & { uid: string }): Promise<void>;
  /** Cordons the node: no new pods come to it. @throws KubeError `notFound` if there is no such node */
  cordonNode(name: string, options?: CallOptions): Promise<void>;
  listPods(options: CallOptions & ListOptions): Promise<KubeList<Pod>>;
  watchPods(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Pod>>;
  /** Nodes belong to no namespace: a user who may see pods need not be allowed to see them (`unauthorised`). */
  listNodes(options: CallOptions & ListOptions): Promise<KubeList<Node>>;
  watchNodes(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Node>>;
  /** What is said of the pods of the namespace, or of all nodes. Needs a right of its own, as does `listNodes`. */
  events(about: "Pod" | "Node"): Source<KubeEvent>;
  /**
   * The registrations of extensions in the namespace.
   * @throws KubeError `notFound` if the cluster does not know this kind, `unauthorised` if a user may not see them
   */
  listExtensions(options: CallOptions & ListOptions): Promise<KubeList<ExtensionResource>>;
  watchExtensions(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<ExtensionResource>>;
  /**
   * Sets what is given of the status of the registration with this uid.
   * @throws KubeError `notFound` if none has the name, `conflict` where the name belongs to another uid
   */
  patchExtensionStatus(name: string, options: CallOptions & { uid: string; status: ExtensionStatus }): Promise<void>;
  /** @throws KubeError of kind `notFound` if there is no such lease */
  getLease(name: string, options?: CallOptions): Promise<Lease>;
  /** @throws KubeError of kind `alreadyExists` if somebody else was quicker */
  createLease(lease: Lease, options?: CallOptions): Promise<Lease>;
  /** Replaces the lease that has the resource version. @throws KubeError of kind `conflict` if it has changed since */
  updateLease(lease: Lease, options?: CallOptions): Promise<Lease>;
  /** Whether whoever we log in as may do something in the namespace. */
  isAllowed(right: Right, options?: CallOptions): Promise<boolean>;
  /** The resource quotas of the namespace. */
  listQuotas(options?: CallOptions): Promise<KubeList<ResourceQuota>>;
  /**
   * Sees that the cluster is still the one that we mean, to be asked before what it does not have counts as gone.
   * @throws KubeError if it is another one
   */
  verify(options?: CallOptions): Promise<void>;
  /**
   * How often etcd was seen to be restored from a snapshot under an API server that runs on: its lists show what does not exist
   * any more.
   */
  restores(): number;
  /** Gives up all open connections: the next call, of whatever kind, makes a new one. */
  reconnect(): void;
}

/** Something that RBAC grants: a verb on a resource, such as `create` on `pods`. */
export interface Right {
  verb: string;
  /** Empty for the core group. */
  group: string;
  resource: string;
}

/** All objects of one kind, to be listed and followed. */
export interface Source<T> {
  /** One page of objects. Without `resourceVersion` the answer is the most recent state (a quorum read). */
  list(options: CallOptions & ListOptions): Promise<KubeList<T>>;
  /**
   * The changes since `resourceVersion`, until the server ends the stream (which is no error), the connection drops
   * (`unavailable`), or nothing at all was heard for `idleTimeoutMs` (`unavailable`). An ERROR event is thrown as KubeError.
   */
  watch(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Gives up the connections that are open, so that the next answer comes over another. */
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
  /** Objects in a page at most. */
  limit?: number;
  /** Where the page before ended: its `metadata.continue`. */
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
  /** How long silence is believed, in milliseconds, before the connection counts as dead. */
  idleTimeoutMs: number;
}
