import type { News } from "../../events/news.ts";
import type { Pod } from "../../kube/types.ts";
import type { PodFacts } from "../../machine/pod_facts.ts";
import type { KnownMachine } from "../../machine/snapshot.ts";
import { isNotedAs, startupFailureOf } from "../../machine/startup_failure.ts";
import { pendingReason } from "../../machine/failure_reason.ts";
import { phaseOf } from "../../machine/readiness.ts";
import type { Limits } from "../../machine/waiting.ts";

export type { Limits };

/** A machine that has a pod file. If it is returned, its deletion is the returns watcher's. */
export interface AgingMachine extends KnownMachine {
  pod: PodFacts;
  /** When what is noted of the machine's end was written, in seconds since the epoch, by this host's clock. */
  notedAt: number | undefined;
  ages: PodAges;
}

/** How long ago, in seconds by our own clocks (see `OwnAges`), something was first seen. */
export interface PodAges {
  pod: number;
  /** What keeps it from working; infinity if nothing does. */
  hindered: number;
  /** That it has ended; infinity if it has not. */
  ended: number;
}

/** How long, in seconds, a pod stays that showed up after its machine was over: time for the process that put it there to notice. */
const STRAY_GRACE_SECONDS = 30;

/** How long, in seconds, a pod stays that has ended and that Symphony does not give back: time to look at it and its logs. */
export const ENDED_GRACE_SECONDS = 3_600;

/**
 * What is to be done about a machine, as far as the work directory knows, which may be behind.
 *
 * - `stays`: nothing
 * - `ask`: it seems to be pending too long, or never to work: the cluster is to be asked
 * - `delete`: it has been given up on, or was over before this pod showed up, or has ended long enough ago, and the pod
 *   has to go
 *
 * Whatever takes time has taken it by the cluster's clock and by ours: either may be wrong.
 * @param options `now` is the cluster's time, `hostNow` ours, as all times here in seconds since the epoch; while the former
 * is not known, nothing has an age
 */
export function decideTimeout(
  { state, tombstone, pod, returned, notedAt, ages }: AgingMachine,
  options: Limits & { now: number | undefined; hostNow: number },
): "stays" | "ask" | "delete" {
  const { now, hostNow, podTimeoutSeconds, imagePullGraceSeconds } = options;
  if (returned) return "stays";
  if (tombstone?.givenUp) {
    const isStray = state === "deleted";
    return isStray && (isFresh(notedAt, hostNow) || isFresh(pod.createdAt, now)) ? "stays" : "delete";
  }
  // How it ended is told from the note on it once its pod is gone.
  if (state === "failed" || state === "succeeded") {
    const hasEndedLongAgo = ages.ended > ENDED_GRACE_SECONDS && isOver(pod.endedAt, now, ENDED_GRACE_SECONDS);
    return tombstone && hasEndedLongAgo ? "delete" : "stays";
  }
  const isWaiting = state === "pending" || state === "creating";
  if (!isWaiting && state !== "running") return "stays";
  if (pod.hindered?.isCertain) return "ask";
  if (!isWaiting) return "stays";
  const isHindered = ages.hindered > imagePullGraceSeconds && isOver(pod.hindered?.since, now, imagePullGraceSeconds);
  const isLate = ages.pod > podTimeoutSeconds && isOver(pod.createdAt, now, podTimeoutSeconds);
  return isHindered || isLate ? "ask" : "stays";
}

/**
 * Why the machine is to be given up, where the cluster's own pod confirms it: the same one, and not up in time or never.
 * @param options `facts` and `ages` as the work directory has them, `now` as above
 */
export function reasonToGiveUp(
  pod: Pod,
  options: Limits & { facts: PodFacts; ages: PodAges; now: number | undefined },
): string | undefined {
  const { facts, ages, now, podTimeoutSeconds, imagePullGraceSeconds } = options;
  const { uid, creationTimestamp } = pod.metadata;
  if (uid !== facts.uid) return undefined;
  const { what = "", isCertain, reason } = startupFailureOf(pod) ?? {};
  const title = what.slice(0, 1).toUpperCase() + what.slice(1);
  if (isCertain) return `${title}: ${reason}`;
  if (phaseOf(pod) !== "Pending") return undefined;
  const isHindered = ages.hindered > imagePullGraceSeconds && isOver(facts.hindered?.since, now, imagePullGraceSeconds);
  if (reason && isNotedAs(what, facts.hindered) && isHindered) {
    return `${title} within ${imagePullGraceSeconds} s: ${reason}`;
  }
  const createdAt = creationTimestamp === undefined ? undefined : Date.parse(creationTimestamp) / 1000;
  if (ages.pod <= podTimeoutSeconds || !isOver(createdAt, now, podTimeoutSeconds)) return undefined;
  const state = pod.status?.phase === "Running" ? "ready" : "running";
  return `Not ${state} after ${podTimeoutSeconds} s: ${pendingReason(pod)}`;
}

/** What has happened to a machine that is given up, beyond that it failed. */
export function newsOfGivingUp(pod: Pod): News[] {
  return startupFailureOf(pod)?.isCertain ? [] : [{ pairs: { status: "timeout" } }];
}

/** A clock that was set back says nothing of how long ago something was. */
function isFresh(at: number | undefined, now: number | undefined): boolean {
  return at !== undefined && now !== undefined && now >= at && now < at + STRAY_GRACE_SECONDS;
}

/** What has no time of its beginning has no age. */
function isOver(since: number | undefined, now: number | undefined, seconds: number): boolean {
  return since !== undefined && now !== undefined && now - since > seconds;
}
