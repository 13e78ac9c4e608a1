import { epochSeconds } from "../clock.ts";
import type { MachineState } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import type { KnownMachine } from "./snapshot.ts";
import { isTerminal } from "./terminal.ts";
import type { Tombstone } from "./tombstone.ts";
import { disruptionReason, endedByDeletion, failureReason } from "./failure_reason.ts";
import { hasBeenUp, hasEnded, phaseOf } from "./readiness.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state, if that was given). */
export type Observation = { pod: Pod } | { gone: Pod | undefined };

/** The pod as it was last seen; nothing if that is not known. */
export function podOf(observation: Observation | undefined): Pod | undefined {
  return observation && ("pod" in observation ? observation.pod : observation.gone);
}

/** What the work directory is to say. */
export interface NextState {
  state: MachineState;
  /** To be written if it is there; `none`: what is noted of an end is untrue, and to be removed. Else what is noted stays. */
  tombstone?: Tombstone | "none";
}

const PHASE_STATE: Record<string, MachineState> = {
  Pending: "pending",
  Running: "running",
  Unknown: "unknown",
};

const SUCCEEDED = "The pod has ended by itself, and with success";

const DELETED_BY_OTHERS = "The pod was deleted, and not because Symphony returned the machine";

/**
 * What the work directory is to say of a machine after its pod was observed.
 * @param last the machine's own pod as it was seen last: needed if it `hasBeenSeen`, or is gone
 */
export function stateAfter(observation: Observation, known: KnownMachine, last: Pod | undefined): NextState {
  if ("gone" in observation) return stateOfGone(last, known);
  const uid = hasBeenSeen(known) ? last?.metadata.uid ?? known.tombstone?.uid : undefined;
  const isReplaced = uid !== undefined && uid !== observation.pod.metadata.uid;
  const isAnother = isReplaced || (uid === undefined && cannotHaveRun(observation.pod, known));
  return isAnother ? stateOfReplaced(last, known) : stateOfPod(observation.pod, known);
}

/**
 * True if the machine has run and this pod has not, so that it is another one: a pod keeps its node (source: Kubernetes API
 * reference, "PodSpec", `nodeName`). That tells them apart where a power failure took what was noted of the first.
 */
function cannotHaveRun(pod: Pod, { state }: KnownMachine): boolean {
  return state === "running" && phaseOf(pod) === "Pending" && !pod.spec.nodeName;
}

/** True if a pod of the machine has been seen before: only then can another one have taken its place. */
export function hasBeenSeen({ state }: Pick<KnownMachine, "state">): boolean {
  return state !== undefined && state !== "creating" && state !== "deleted";
}

/**
 * True if something new is told of an end that Symphony could be told otherwise without the tombstone. That this is there
 * already does not mean that it lasts: the process that wrote it may have died before it did.
 */
export function mustLast(known: KnownMachine, { state, tombstone = known.tombstone }: NextState): boolean {
  if (tombstone === "none") return false;
  const isNew = tombstone !== known.tombstone || state !== known.state;
  return isNew && isTerminal(state) && tombstone !== undefined && (!tombstone.up || !tombstone.returned);
}

/** The state of a machine whose pod exists. */
export function stateOfPod(pod: Pod, known: KnownMachine): NextState {
  const { state, returned } = known;
  // If its own pod is back, it is not given up any more: it was only because another pod stood in that one's place.
  const tombstone = isBack(pod, known) ? { ...known.tombstone!, givenUp: false } : known.tombstone;
  const address = addressOf(pod);
  // 1. The machine is over, and this pod is too late or another's: it is `deleted`, and `givenUp` has the pod deleted. But
  // if it was seen gone, and neither Symphony nor we ended it, that was a mistake: its pod is there, and it goes on below.
  const isAnother = tombstone?.uid !== undefined && tombstone.uid !== pod.metadata.uid;
  if (isAnother || (state === "deleted" && !wasMistaken({ tombstone, returned }))) {
    if (tombstone?.givenUp) return { state: "deleted" };
    const over = tombstone ??
      { up: hasBeenUp(pod), returned, message: "Its pod was being deleted already", ...address };
    return { state: "deleted", tombstone: { ...over, givenUp: true, ...(isAnother ? { replaced: true } : {}) } };
  }
  // 2. We have given it up: it is failed for as long as its pod is there, whatever that does. Its tombstone may have been
  // written before any pod was known, and then gets the pod's address now.
  if (tombstone?.givenUp) {
    return tombstone.uid ? { state: "failed" } : { state: "failed", tombstone: { ...tombstone, ...address } };
  }
  // 3. Its pod has not ended, and so the machine has not: a tombstone is untrue, and removed. One that was `running` stays so
  // while its pod is not Ready, or is Pending again because its init containers run again after its node was restarted.
  const isUp = state === "running" && ["Running", "Pending"].includes(pod.status?.phase ?? "Pending");
  if (isUp || !hasEnded(pod)) {
    const alive: NextState = { state: isUp ? "running" : PHASE_STATE[phaseOf(pod)] ?? "unknown" };
    return tombstone ? { ...alive, tombstone: "none" } : alive;
  }
  // 4. Its pod has ended, and so has the machine. How is noted when that is first seen; from then on the tombstone says it.
  if (tombstone && state !== "deleted") return { state: tombstone.succeeded ? "succeeded" : "failed" };
  const ended = { up: state === "running" || hasBeenUp(pod), returned, givenUp: false, ...address };
  const succeeded = state === "succeeded" || hasSucceeded(pod);
  if (succeeded) return { state: "succeeded", tombstone: { ...ended, succeeded, message: SUCCEEDED } };
  const isFailed = pod.status?.phase === "Failed" && !returned;
  return { state: "failed", tombstone: { ...ended, message: isFailed ? endMessage(pod) : goneMessage(pod, ended) } };
}

/**
 * The state of a machine whose pod has been seen gone.
 * @param last the pod as it was seen last, if it was
 */
export function stateOfGone(last: Pod | undefined, { state, tombstone, returned }: KnownMachine): NextState {
  if (tombstone) return { state: "deleted" };
  const succeeded = state === "succeeded" || (last !== undefined && hasSucceeded(last));
  // Where a power failure took the note and the pod file of one that had failed, it was one that was up and returned.
  const up = state === "running" || succeeded || (last ? hasBeenUp(last) : state === "failed" && returned);
  const ended = { up, returned, givenUp: false, ...(last ? addressOf(last) : {}) };
  if (succeeded) return { state: "deleted", tombstone: { ...ended, succeeded, message: SUCCEEDED } };
  return { state: "deleted", tombstone: { ...ended, message: goneMessage(last, ended) } };
}

/**
 * The state of a machine whose pod is gone and in whose place another pod stands: that one is a stray, which has to go.
 * @param last the machine's own pod as it was seen last, if that is known
 */
export function stateOfReplaced(last: Pod | undefined, known: KnownMachine): NextState {
  const { state, tombstone = known.tombstone } = stateOfGone(last, known);
  if (!tombstone || tombstone === "none") return { state };
  return { state, tombstone: tombstone.givenUp ? tombstone : { ...tombstone, givenUp: true, replaced: true } };
}

/** True if this is the machine's own pod after all, in whose place another one stood: it was that one that had to go. */
function isBack(pod: Pod, { tombstone, returned }: KnownMachine): boolean {
  return tombstone?.replaced === true && tombstone.uid === pod.metadata.uid && !tombstone.returned && !returned;
}

/**
 * True if a machine that counted as gone is not, as its pod is there: neither Symphony nor we ended it. Where nothing is noted,
 * the legacy plug-in gave it up.
 */
function wasMistaken({ tombstone, returned }: Pick<KnownMachine, "tombstone" | "returned">): boolean {
  return tombstone !== undefined && !tombstone.givenUp && !tombstone.returned && !returned;
}

/** True if the pod ended by itself, and well: a delete by others is no success. */
function hasSucceeded(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" && !endedByDeletion(pod);
}

function goneMessage(last: Pod | undefined, { up, returned }: { up: boolean; returned: boolean }): string {
  if (returned) return up ? "Returned by Symphony" : "Returned by Symphony before it was running";
  const reason = last && disruptionReason(last);
  if (reason) return `The cluster took the pod away: ${reason}`;
  return last?.status?.phase === "Failed" ? endMessage(last) : DELETED_BY_OTHERS;
}

/** Why a pod failed: a delete by others is no failure of its own. */
function endMessage(pod: Pod): string {
  return endedByDeletion(pod) && !disruptionReason(pod) ? DELETED_BY_OTHERS : `The pod failed: ${failureReason(pod)}`;
}

function addressOf(pod: Pod): Pick<Tombstone, "uid" | "privateIpAddress" | "launchtime"> {
  const { uid, creationTimestamp } = pod.metadata;
  return {
    uid,
    privateIpAddress: pod.status?.podIP,
    launchtime: creationTimestamp === undefined ? undefined : epochSeconds(Date.parse(creationTimestamp)),
  };
}
