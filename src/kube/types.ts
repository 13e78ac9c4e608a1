/**
 * The parts of Kubernetes objects that we read, as the API server sends them in JSON (source: the Kubernetes API
 * reference, v1). Whatever else an object holds is carried along untouched.
 */

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  /** RFC 3339, to the second, like every time here. */
  creationTimestamp?: string;
  /** When the object should be gone at the latest: the time of the delete plus its grace period. */
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  managedFields?: unknown[] | undefined;
  [key: string]: unknown;
}

export interface ContainerStateTerminated {
  exitCode: number;
  reason?: string;
  message?: string;
  signal?: number;
  startedAt?: string;
  finishedAt?: string;
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: ContainerStateTerminated;
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
  [key: string]: unknown;
}

export interface PodCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  [key: string]: unknown;
}

export interface PodStatus {
  phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  reason?: string;
  message?: string;
  podIP?: string;
  hostIP?: string;
  startTime?: string;
  conditions?: PodCondition[];
  initContainerStatuses?: ContainerStatus[];
  containerStatuses?: ContainerStatus[];
  [key: string]: unknown;
}

export interface PodSpec {
  nodeName?: string;
  terminationGracePeriodSeconds?: number;
  /** Those whose `restartPolicy` is `Always` are sidecars. */
  initContainers?: { name: string; restartPolicy?: string; [key: string]: unknown }[];
  containers: { name: string; image?: string; [key: string]: unknown }[];
  [key: string]: unknown;
}

export interface Pod {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: PodSpec;
  status?: PodStatus;
}

export interface Taint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** Only on taints that the cluster itself adds. */
  timeAdded?: string;
}

export interface NodeCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastHeartbeatTime?: string;
  lastTransitionTime?: string;
  [key: string]: unknown;
}

export interface Node {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: { unschedulable?: boolean; taints?: Taint[]; providerID?: string; [key: string]: unknown };
  status?: { conditions?: NodeCondition[]; nodeInfo?: Record<string, unknown>; [key: string]: unknown };
}

/** Who leads; group `coordination.k8s.io/v1`. The API server ignores its times; only clients act on them. */
export interface Lease {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec?: LeaseSpec;
}

export interface LeaseSpec {
  /** Empty if its last holder has let go of it. */
  holderIdentity?: string;
  /** For how long after `renewTime` others have to wait; greater than 0. */
  leaseDurationSeconds?: number;
  /** RFC 3339 with exactly six digits of fractions, as is `renewTime`: `2026-11-21T10:00:00.000000Z`. */
  acquireTime?: string;
  renewTime?: string;
  /** How often it has passed from one holder to another. */
  leaseTransitions?: number;
  [key: string]: unknown;
}

/**
 * An Event: what a component of the cluster says of an object. Repeating it raises `count`; after an hour it is
 * removed.
 */
export interface KubeEvent {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  involvedObject: { kind?: string; namespace?: string; name?: string; uid?: string; [key: string]: unknown };
  type?: string;
  reason?: string;
  message?: string;
  source?: { component?: string; [key: string]: unknown };
  reportingComponent?: string;
  /** Absent where `eventTime` stands for both. */
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  /** RFC 3339 with microseconds. */
  eventTime?: string | null;
  [key: string]: unknown;
}

/** A registration of an extension, of our own group: `scripts/extensions/crd.yaml` defines it. */
export interface ExtensionResource {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  /** Not checked yet: the resource definition may be that of another version. */
  spec?: unknown;
  status?: ExtensionStatus;
}

/** The status that we write into the resource of a registration. */
export interface ExtensionStatus {
  conditions?: {
    type: string;
    status: "True" | "False" | "Unknown";
    reason: string;
    message: string;
    lastTransitionTime: string;
    observedGeneration?: number;
  }[];
  /** RFC 3339: when a hook was called last. */
  lastCall?: string;
  /** Calls in a row that were not answered. */
  failures?: number;
  /** What is wrong, for people. */
  message?: string;
}

/** Limits for a namespace, by what `hard` names: `pods`, `requests.cpu`, … */
export interface ResourceQuota {
  metadata: ObjectMeta;
  /** A quota with scopes counts only some of the pods. */
  spec?: { hard?: Record<string, string>; scopes?: string[]; scopeSelector?: unknown };
}

/** One page of objects of one kind. */
export interface KubeList<T> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** The API server's answer if it returns no object: an error, or a deletion that is complete. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  status?: "Success" | "Failure";
  message?: string;
  reason?: string;
  /** The HTTP status. */
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
}

/** An event of a watch. A BOOKMARK carries nothing but a resource version. */
export type WatchEvent<T> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; object: { kind: string; metadata: ObjectMeta } };
