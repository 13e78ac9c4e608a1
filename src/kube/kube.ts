import type { Pod, PodList, WatchEvent } from "./types.ts";

/**
 * Everything that we ask of a cluster, in the one namespace that the credentials or `--namespace` name. Every call throws
 * `KubeError` and nothing else, but for aborts, which throw the signal's reason.
 */
export interface Kube {
  /**
   * What time it is on the cluster, in milliseconds since the epoch and at most a second late, whatever the clock of the
   * machine that we run on says; nothing before the cluster's first answer.
   */
  now(): number | undefined;
  /** Creates a pod and gives it back as the server stored it. */
  createPod(pod: Pod, options?: CallOptions): Promise<Pod>;
  /** @throws KubeError of kind `notFound` where there is no such pod */
  getPod(name: string, options?: CallOptions): Promise<Pod>;
  /**
   * Asks for the deletion of the pod with this uid; it is gone only once the cluster says so.
   * @throws KubeError `notFound` where no pod has the name, `conflict` where the name belongs to another uid
   */
  deletePod(name: string, options: CallOptions & { uid: string; gracePeriodSeconds?: number }): Promise<void>;
  /** One page of pods. Without `resourceVersion` the answer is the most recent state (a quorum read). */
  listPods(options: CallOptions & ListOptions): Promise<PodList>;
  /**
   * The changes since `resourceVersion`, until the server ends the stream (which is no error), the connection drops
   * (`unavailable`), or nothing at all was heard for `idleTimeoutMs` (`unavailable`). An ERROR event is thrown as KubeError.
   */
  watchPods(options: CallOptions & WatchOptions): AsyncIterable<Exclude<WatchEvent, { type: "ERROR" }>>;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface ListOptions {
  labelSelector?: string;
  /** Pods in a page at most. */
  limit?: number;
  /** Where the page before ended: its `metadata.continue`. */
  continueToken?: string;
}

export interface WatchOptions {
  labelSelector?: string;
  resourceVersion: string;
  /** After how many seconds the server ends the watch by itself. */
  timeoutSeconds: number;
  /** How long silence is believed, in milliseconds, before the connection counts as dead. */
  idleTimeoutMs: number;
}
