import type { ContainerStatus, Pod } from "../kube/types.ts";

/**
 * Why a pod is not up yet, in the cluster's words: the scheduler's message, or what keeps a container from starting.
 */
export function pendingReason(pod: Pod): string {
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False") return words(scheduled.reason, scheduled.message) || "not scheduled";
  for (const container of containers(pod)) {
    const { reason, message } = container.state?.waiting ?? {};
    if (reason) return `container ${container.name}: ${words(reason, message)}`;
  }
  return pod.spec.nodeName ? `not started by node ${pod.spec.nodeName}` : "not scheduled";
}

/** Why a pod failed, in the cluster's words: an eviction or preemption, else the exit of its containers. */
export function failureReason(pod: Pod): string {
  const disrupted = disruptionReason(pod);
  if (disrupted) return disrupted;
  for (const container of containers(pod)) {
    const ended = container.state?.terminated;
    if (!ended || (ended.exitCode === 0 && !ended.reason)) continue;
    const exit = ended.signal ? `signal ${ended.signal}` : `exit code ${ended.exitCode}`;
    return `container ${container.name}: ${words(ended.reason, ended.message)} (${exit})`;
  }
  return "the cluster gives no reason";
}

/** Why the cluster took a pod away, or nothing where it does not say. */
export function disruptionReason(pod: Pod): string | undefined {
  if (pod.status?.reason) return words(pod.status.reason, pod.status.message);
  const disruption = condition(pod, "DisruptionTarget");
  return disruption?.status === "True" ? words(disruption.reason, disruption.message) : undefined;
}

/** True where a container of the pod has run. */
export function hasRun(pod: Pod): boolean {
  if (pod.status?.phase === "Running" || pod.status?.phase === "Succeeded") return true;
  return (pod.status?.containerStatuses ?? []).some(({ state, lastState }) =>
    state?.running?.startedAt ?? state?.terminated?.startedAt ?? lastState?.terminated?.startedAt
  );
}

function condition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type);
}

function containers(pod: Pod): ContainerStatus[] {
  return [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
}

function words(reason: string | undefined, message: string | undefined): string {
  return [reason, message].filter((text) => text).join(": ");
}
