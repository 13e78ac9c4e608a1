/**
 * What a pod file notes beside the pod. Times are in seconds since the epoch; those that are called `seenAt` are by the clock of
 * our host, all others by the cluster's.
 */
export interface PodNotes {
  /** When this pod was first seen. */
  seenAt?: number | undefined;
  /** Something keeps it from working: what, whether for ever, and else since when. */
  hindered?:
    | { what?: string | undefined; since?: number | undefined; seenAt?: number | undefined; isCertain: boolean }
    | undefined;
  /** When it was first seen to have ended. */
  endedAt?: number | undefined;
  endedSeenAt?: number | undefined;
}

/** What the pod file of a machine says, whether we wrote it or the legacy plug-in did (in snake_case). */
export interface PodFacts extends PodNotes {
  uid: string;
  resourceVersion?: string | undefined;
  privateIpAddress: string;
  /** Seconds since the epoch; absent if the file does not say. */
  createdAt?: number | undefined;
  /** When the last of its containers started that run, in seconds since the epoch; absent while none does. */
  startedAt?: number | undefined;
  /** When it is to be gone, in seconds since the epoch; absent while no one deletes it. */
  deletionAt?: number | undefined;
  /** Absent while it is on no node. */
  place?: PodPlace;
}

/** The node that a pod is on. */
export interface PodPlace {
  node: string;
  /** How long the pod is given once it is deleted, in seconds. */
  graceSeconds: number;
}
