import { latestSeconds } from "../clock.ts";
import type { Pod } from "../kube/types.ts";
import { pendingReason } from "./failure_reason.ts";
import type { PodFacts } from "./pod_facts.ts";
import type { MachineSnapshot } from "./snapshot.ts";

/** How long a machine may take to come up, in seconds. */
export interface Limits {
  /** From its pod's creation on. */
  podTimeoutSeconds: number;
  /** From when something kept its containers from starting that may pass: mostly an image that cannot be pulled. */
  imagePullGraceSeconds: number;
}

/** What is waited for before anything is known of a machine's pod. */
export const NOT_CREATED = "Its pod has not been created yet";
export const NOT_SEEN = "Its pod was created, and has not been seen yet";

/**
 * What a machine waits for that is not up yet, in the cluster's words where it has any; `undefined` for one that does not wait.
 * @param pod its pod as it was last seen
 */
export function waitsFor(
  { state, entry }: Pick<MachineSnapshot, "state" | "entry">,
  pod: Pod | undefined,
): string | undefined {
  if (!mayWait({ state })) return undefined;
  if (pod) return pendingReason(pod);
  return entry === "pending" ? NOT_CREATED : NOT_SEEN;
}

/**
 * When a machine that waits is given up at the latest, in seconds since the epoch by the cluster's clock; `undefined` if that
 * is not known.
 */
export function givenUpAt(
  { createdAt, hindered }: Pick<PodFacts, "createdAt" | "hindered">,
  { podTimeoutSeconds, imagePullGraceSeconds }: Limits,
): number | undefined {
  const late = createdAt === undefined ? Infinity : createdAt + podTimeoutSeconds;
  const hinderedUntil = hindered?.since === undefined ? Infinity : hindered.since + imagePullGraceSeconds;
  const at = Math.min(late, hinderedUntil);
  return Number.isFinite(at) ? at : undefined;
}

/** True unless the machine is up, or over: then it waits for nothing, whatever its pod says. */
export function mayWait({ state }: Pick<MachineSnapshot, "state">): boolean {
  return state === undefined || state === "creating" || state === "pending";
}

/** When the last of a pod's containers started that run, in seconds since the epoch. */
export function startedAt({ status }: Pod): number | undefined {
  return latestSeconds((status?.containerStatuses ?? []).map(({ state }) => state?.running?.startedAt));
}
