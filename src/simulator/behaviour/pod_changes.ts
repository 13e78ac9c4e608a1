import type { ContainerState, Pod, PodCondition } from "../../kube/types.ts";
import { timestamp } from "../store/timestamp.ts";

/** States of pods, and changes of them. Each change returns a new object and leaves the given one as it is. */

/** True if its phase is final. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

/** The pod with one condition set. The time of transition changes only if the status does. */
export function withCondition(
  pod: Pod,
  condition: Pick<PodCondition, "type" | "status" | "reason" | "message">,
  now: number,
): Pod {
  const before = pod.status?.conditions ?? [];
  const known = before.find(({ type }) => type === condition.type);
  const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : undefined;
  const next: PodCondition = {
    lastProbeTime: null,
    lastTransitionTime: lastTransitionTime ?? timestamp(now),
    ...condition,
  };
  const conditions = known ? before.map((old) => old === known ? next : old) : [...before, next];
  return { ...pod, status: { ...pod.status, conditions } };
}

/** Every container in the same state. */
export function withContainers(
  pod: Pod,
  { state, ready, started, restarts }: { state: ContainerState; ready: boolean; started: boolean; restarts: number },
): Pod {
  const containerStatuses = pod.spec.containers.map(({ name, image }, position) => {
    const before = pod.status?.containerStatuses?.[position];
    return {
      name,
      state,
      lastState: (restarts > 0 ? before?.state : before?.lastState) ?? {},
      ready,
      restartCount: (before?.restartCount ?? 0) + restarts,
      image: image ?? "",
      imageID: "",
      started,
    };
  });
  return { ...pod, status: { ...pod.status, containerStatuses } };
}

/** The pod on its node, as bound by the scheduler, with the node's zone in its labels, as the API server copies it. */
export function boundTo(pod: Pod, node: { name: string; labels: Record<string, string> }, now: number): Pod {
  const place = Object.entries(node.labels).filter(([key]) => /^topology\.kubernetes\.io\/(zone|region)$/.test(key));
  const bound: Pod = {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...Object.fromEntries(place), ...pod.metadata.labels } },
    spec: { ...pod.spec, nodeName: node.name },
  };
  const { conditions = [], ...status } = pod.status ?? {};
  const others = conditions.filter(({ type }) => type !== "PodScheduled");
  return withCondition({ ...bound, status: { ...status, conditions: others } }, {
    type: "PodScheduled",
    status: "True",
  }, now);
}

/** The pod as the scheduler marks it if it finds no node. */
export function unschedulable(pod: Pod, message: string, now: number): Pod {
  return withCondition(pod, { type: "PodScheduled", status: "False", reason: "Unschedulable", message }, now);
}

/** The pod being deleted, `graceSeconds` from now, or sooner if it is being deleted already. */
export function withDeletion(pod: Pod, graceSeconds: number, now: number): Pod {
  const { metadata } = pod;
  if (metadata.deletionTimestamp === undefined) {
    return {
      ...pod,
      metadata: {
        ...metadata,
        deletionTimestamp: timestamp(now + graceSeconds * 1000),
        deletionGracePeriodSeconds: graceSeconds,
        generation: Number(metadata["generation"] ?? 0) + 1,
      },
    };
  }
  const asked = Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const deadline = graceSeconds === 0 ? now : asked + graceSeconds * 1000;
  return {
    ...pod,
    metadata: { ...metadata, deletionTimestamp: timestamp(deadline), deletionGracePeriodSeconds: graceSeconds },
  };
}

/** The pod with the condition DisruptionTarget, as evictions, preemption and node drains set it. */
export function disrupted(pod: Pod, { reason, message }: { reason: string; message: string }, now: number): Pod {
  return withCondition(pod, { type: "DisruptionTarget", status: "True", reason, message }, now);
}

/** The pod ended, by the kubelet or by its own program: every container terminated, the phase final. */
export function ended(
  pod: Pod,
  end: { phase: "Failed" | "Succeeded"; exitCode: number; containerReason: string; reason?: string; message?: string },
  now: number,
): Pod {
  const startedAt = pod.status?.containerStatuses?.[0]?.state?.running?.startedAt;
  const terminated = {
    exitCode: end.exitCode,
    reason: end.containerReason,
    ...(startedAt === undefined ? {} : { startedAt }),
    finishedAt: timestamp(now),
  };
  let next = withContainers(pod, { state: { terminated }, ready: false, started: false, restarts: 0 });
  const reason = end.phase === "Succeeded" ? "PodCompleted" : "PodFailed";
  next = withCondition(next, { type: "Ready", status: "False", reason }, now);
  next = withCondition(next, { type: "ContainersReady", status: "False", reason }, now);
  return {
    ...next,
    status: {
      ...next.status,
      phase: end.phase,
      ...(end.reason === undefined ? {} : { reason: end.reason }),
      ...(end.message === undefined ? {} : { message: end.message }),
    },
  };
}
