import type { Pod, PodStatus } from "../kube/types.ts";
import { REQUEST_ANNOTATION } from "../templates/podspec.ts";

/** True if the pod's template says that it has to be Ready before it counts as up. */
export function needsReady({ metadata }: Pod): boolean {
  const text = metadata.annotations?.[REQUEST_ANNOTATION];
  if (!text?.includes('"up"')) return false; // Of 10,000 pods' events few are worth parsing.
  try {
    return JSON.parse(text).up === "Ready";
  } catch {
    return false;
  }
}

/** True if the pod is or was up, in the way that its template counts. */
export function hasBeenUp(pod: Pod): boolean {
  return needsReady(pod) ? hasBeenReady(pod) : hasRun(pod);
}

/** The pod's phase, but that one which has to be Ready is pending until it has been. */
export function phaseOf(pod: Pod): NonNullable<PodStatus["phase"]> {
  const phase = pod.status?.phase ?? "Pending";
  return phase === "Running" && !hasBeenUp(pod) ? "Pending" : phase;
}

/** True if the pod has come to its end: nothing of it will ever run again. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

/**
 * True for a pod as a DELETED event shows it if it does not exist any more. A pod that only is not selected any more, as its labels
 * were changed, comes with such an event too: without a deletion time, or with grace left, or held by finalizers (measured,
 * Kubernetes 1.36).
 */
export function isDeletedForGood({ metadata }: Pod): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
}

/** True if a container of the pod has run. */
function hasRun(pod: Pod): boolean {
  if (pod.status?.phase === "Running" || pod.status?.phase === "Succeeded") return true;
  return (pod.status?.containerStatuses ?? []).some(({ state, lastState }) =>
    state?.running?.startedAt ?? state?.terminated?.startedAt ?? lastState?.terminated?.startedAt
  );
}

/**
 * True if the pod is or was Ready. One that never was has not changed that condition since it was first set, which the
 * kubelet does before it finds the pod initialized (source: `updateLastTransitionTime` in its `status_manager.go`).
 */
function hasBeenReady({ status }: Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return true;
  const initialized = status?.conditions?.find(({ type }) => type === "Initialized");
  return Date.parse(ready?.lastTransitionTime ?? "") > Date.parse(initialized?.lastTransitionTime ?? "");
}
