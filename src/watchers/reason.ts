import type { ContainerStateTerminated, ContainerStatus, Pod } from "../kube/types.ts";

/** The longest text, in characters, that is taken from the cluster as it is: programs write their last words there. */
const LONGEST = 500;

/**
 * Why a pod is not up yet, in the cluster's words: the scheduler's message, what keeps a container from starting, or why it
 * is not Ready.
 */
export function pendingReason(pod: Pod): string {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") return words(scheduled.reason, scheduled.message) || "not scheduled";
  for (const container of containersOf(pod)) {
    const { reason, message } = container.state?.waiting ?? {};
    if (reason) return `container ${container.name}: ${words(reason, message)}`;
  }
  const ready = conditionOf(pod, "Ready");
  if (pod.status?.phase === "Running") {
    return words(ready?.reason, ready?.message) || "it does not say that it is Ready";
  }
  return pod.spec.nodeName ? `not started by node ${pod.spec.nodeName}` : "not scheduled";
}

/** Why a pod failed, in the cluster's words: an eviction, preemption or lost node, else the end of its containers. */
export function failureReason(pod: Pod): string {
  const disrupted = disruptionReason(pod);
  if (disrupted) return disrupted;
  const failed = containersOf(pod).filter(({ state }) => state?.terminated && state.terminated.exitCode !== 0);
  const worst = failed.find(({ state }) => state?.terminated?.reason === "OOMKilled") ?? failed[0];
  const ended = worst?.state?.terminated;
  return worst && ended ? `container ${worst.name}: ${endingWords(ended)}` : "the cluster gives no reason";
}

/** Why the cluster took a pod away, or nothing where it does not say. */
export function disruptionReason(pod: Pod): string | undefined {
  const { reason, message } = pod.status ?? {};
  const disruption = conditionOf(pod, "DisruptionTarget");
  const said = reason
    ? words(reason, message)
    : disruption?.status === "True"
    ? words(disruption.reason, disruption.message)
    : "";
  if (!said) return undefined;
  return pod.spec.nodeName ? `${said} (node ${pod.spec.nodeName})` : said;
}

/**
 * True where the pod's containers ended because it was deleted, and not by themselves: the kubelet lets a pod that is being
 * deleted fail or succeed, too, as its containers obey. One has failed by itself once a container had, and succeeded by
 * itself where all had ended.
 */
export function endedByDeletion(pod: Pod): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  if (deletionTimestamp === undefined) return false;
  const askedMs = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  const endedBefore = ({ state }: ContainerStatus) => Date.parse(state?.terminated?.finishedAt ?? "") < askedMs;
  if (pod.status?.phase === "Succeeded") {
    const containers = pod.status.containerStatuses ?? [];
    return containers.length === 0 || !containers.every(endedBefore);
  }
  return !containersOf(pod).some((container) => endedBefore(container) && container.state?.terminated?.exitCode !== 0);
}

/** How a container ended: `OOMKilled (exit code 137)`. */
export function endingWords({ reason, message, signal, exitCode }: ContainerStateTerminated): string {
  return `${words(reason, message) || "it ended"} (${signal ? `signal ${signal}` : `exit code ${exitCode}`})`;
}

/** The statuses of all containers, in the order in which they start. */
export function containersOf(pod: Pod): ContainerStatus[] {
  return [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
}

/** A reason and what is said of it, as one line. */
export function words(reason: string | undefined, message: string | undefined): string {
  const said = [reason, message?.trim().replace(/\s+/g, " ")].filter((text) => text).join(": ");
  return said.length > LONGEST ? `${said.slice(0, LONGEST)}…` : said;
}

function conditionOf(pod: Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type);
}
