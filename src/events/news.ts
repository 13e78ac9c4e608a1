import { timestampSeconds } from "../clock.ts";
import type { MachineState } from "../hf/status.ts";
import type { Pod, PodCondition } from "../kube/types.ts";
import { isTerminal } from "../machine/terminal.ts";
import { startedAt } from "../machine/waiting.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import type { EventPairs } from "./types.ts";

/** One thing that happened to a machine. */
export interface News {
  pairs: EventPairs<"pod">;
  /** Seconds since the epoch; absent: now. The cluster's time if it has one, so that an event told twice is the same event. */
  at?: number | undefined;
}

/**
 * What has happened to a machine, as far as its pod shows it, since that was seen last.
 * @param last the machine's pod as it was seen last; absent, or another pod: all of it is news
 */
export function newsOfPod(pod: Pod, last: Pod | undefined): News[] {
  const before = last?.metadata.uid === pod.metadata.uid ? last : undefined;
  const createdAt = timestampSeconds(pod.metadata.creationTimestamp);
  const news: News[] = before
    ? []
    : [{ pairs: { status: "created" }, at: createdAt }, { pairs: { status: "pending" }, at: createdAt }];
  const became = (type: string) => (isTrue(before, type) ? undefined : isTrue(pod, type));
  const { nodeName } = pod.spec;
  if (nodeName && before?.spec.nodeName !== nodeName) {
    const at = timestampSeconds(isTrue(pod, "PodScheduled")?.lastTransitionTime);
    news.push({ pairs: { status: "scheduled" }, at }, { pairs: { node_name: nodeName }, at });
  }
  const phase = pod.status?.phase;
  if (phase === "Running" && before?.status?.phase !== phase) {
    news.push({ pairs: { status: "running" }, at: startedAt(pod) });
  }
  const ready = became("Ready");
  if (ready) news.push({ pairs: { status: "ready" }, at: timestampSeconds(ready.lastTransitionTime) });
  const disrupted = became("DisruptionTarget");
  if (disrupted) {
    const { reason = "", message = "", lastTransitionTime } = disrupted;
    const pairs = { status: "disrupted", disrupted_reason: reason, disrupted_message: message } as const;
    news.push({ pairs, at: timestampSeconds(lastTransitionTime) });
  }
  const over = phase === "Succeeded" ? "succeeded" : phase === "Unknown" ? "unknown" : undefined;
  if (over && before?.status?.phase !== phase) news.push({ pairs: { status: over } });
  return news;
}

/** What has happened to a machine according to its new state, beyond what its pod shows. */
export function newsOfState(
  before: MachineState | undefined,
  { state, tombstone }: { state?: MachineState; tombstone?: Tombstone | "none" | undefined },
): News[] {
  if (state === undefined || state === before) return [];
  const news: News[] = [];
  if (isFailure(state, tombstone) && before !== "failed") {
    const reason = tombstone && tombstone !== "none" ? tombstone.message : "";
    news.push({ pairs: { status: "failed", failed_reason: reason } });
  }
  if (state === "deleted") news.push({ pairs: { status: "deleted" } });
  return news;
}

/** True if this change means that Symphony loses a machine that it has not given back. */
export function isFailure(state: MachineState, tombstone: Tombstone | "none" | undefined): boolean {
  if (tombstone === undefined || tombstone === "none") return state === "failed";
  return isTerminal(state) && !tombstone.returned && !tombstone.succeeded;
}

function isTrue(pod: Pod | undefined, type: string): PodCondition | undefined {
  return pod?.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}
