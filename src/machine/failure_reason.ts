import type { ContainerStateTerminated, ContainerStatus, Pod } from "../kube/types.ts";

/** The longest text, in characters, that is taken from the cluster as it is: programs write their last words there. */
const LONGEST = 500;

/** Why containers wait that are on their usual way up. */
const USUAL: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/**
 * Why a pod is not up yet, in the cluster's words: the scheduler's message, what keeps a container from starting, or why it
 * is not Ready.
 */
export function pendingReason(pod: Pod): string {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status === "False") return words(scheduled.reason, scheduled.message) || "not scheduled";
  const waiting = containersOf(pod).filter(({ state }) => state?.waiting?.reason);
  const container = waiting.find(waitsUnusually) ?? waiting[0];
  if (container) {
    const { reason, message } = container.state?.waiting ?? {};
    if (!waitsUnusually(container) && conditionOf(pod, "PodReadyToStartContainers")?.status === "False") {
      return `node ${pod.spec.nodeName} has not made ready the pod's volumes, sandbox or network ` +
        "(PodReadyToStartContainers is False)";
    }
    const initialized = conditionOf(pod, "Initialized");
    // It waits for an init container that runs, and this says for which.
    if (reason === "PodInitializing" && initialized?.status === "False" && initialized.message) {
      return words(initialized.reason, initialized.message);
    }
    return `container ${container.name}: ${words(reason, message)}`;
  }
  const ready = conditionOf(pod, "Ready");
  if (pod.status?.phase === "Running") {
    return words(ready?.reason, ready?.message) || "it does not say that it is Ready";
  }
  return pod.spec.nodeName ? `not started by node ${pod.spec.nodeName}` : "not scheduled";
}

/** Why a pod failed, in the cluster's words: an eviction, preemption or lost node, else the first of its containers to fail. */
export function failureReason(pod: Pod): string {
  const disrupted = disruptionReason(pod);
  if (disrupted) return disrupted;
  const failed = decidingContainersOf(pod)
    .filter(({ state }) => state?.terminated && state.terminated.exitCode !== 0)
    .sort((a, b) => endedMs(a) - endedMs(b));
  const worst = failed.find(({ state }) => state?.terminated?.reason === "OOMKilled") ?? failed[0];
  const ended = worst?.state?.terminated;
  return worst && ended ? `container ${worst.name}: ${endingWords(ended)}` : "the cluster gives no reason";
}

/** Why the cluster took a pod away, or `undefined` if it does not say. */
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
 * True if the pod's containers ended because it was deleted, and not by themselves: the kubelet lets a pod that is being
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
  return !decidingContainersOf(pod).some((container) =>
    endedBefore(container) && container.state?.terminated?.exitCode !== 0
  );
}

/** How a container ended: `OOMKilled (exit code 137)`. */
export function endingWords({ reason, message, signal, exitCode }: ContainerStateTerminated): string {
  return `${words(reason, message) || "it ended"} (${signal ? `signal ${signal}` : `exit code ${exitCode}`})`;
}

/** The statuses of all containers, in the order in which they start. */
export function containersOf(pod: Pod): ContainerStatus[] {
  return [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
}

/** Why a container of a pod that runs does not, as when it is started again and again; `undefined` if none waits. */
export function standstillReason(pod: Pod): string | undefined {
  return containersOf(pod).some(waitsUnusually) ? pendingReason(pod) : undefined;
}

/** True for a container that waits for something else than its turn on the usual way up. */
export function waitsUnusually({ state }: ContainerStatus): boolean {
  return state?.waiting?.reason !== undefined && !USUAL.has(state.waiting.reason);
}

/**
 * The statuses of those containers that decide how a pod ends: not those of its sidecars, which are started again however they
 * end, and are ended last (source: Kubernetes documentation, "Sidecar Containers").
 */
function decidingContainersOf(pod: Pod): ContainerStatus[] {
  const sidecars = new Set(
    pod.spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name),
  );
  return containersOf(pod).filter(({ name }) => !sidecars.has(name));
}

/** When the container ended; infinity if that is not known. */
function endedMs({ state }: ContainerStatus): number {
  return Date.parse(state?.terminated?.finishedAt ?? "") || Infinity;
}

/** A reason and what is said of it, as one line. */
export function words(reason: string | undefined, message: string | undefined): string {
  const said = [reason, message?.trim().replace(/\s+/g, " ")].filter((text) => text).join(": ");
  return said.length > LONGEST ? `${said.slice(0, LONGEST)}…` : said;
}

function conditionOf(pod: Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type);
}
