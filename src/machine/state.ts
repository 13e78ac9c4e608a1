import { epochSeconds } from "../clock.ts";
import type { MachineState } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import type { Tombstone } from "./tombstone.ts";
import { disruptionReason, endedByDeletion, failureReason } from "./failure_reason.ts";
import { hasBeenUp, hasEnded, phaseOf } from "./readiness.ts";

/** What the work directory says of a machine before a look at the cluster. */
export interface KnownMachine {
  word: MachineState | undefined;
  record: Tombstone | undefined;
  /** Symphony has given it back. */
  returned: boolean;
}

/** What the work directory is to say. */
export interface NextState {
  word: MachineState;
  /** To be written if it is there; `none`: what is noted of an end is untrue, and to be removed. Else what is noted stays. */
  record?: Tombstone | "none";
}

const PHASE_WORD: Record<string, MachineState> = {
  Pending: "pending",
  Running: "running",
  Unknown: "unknown",
};

const SUCCEEDED = "The pod has ended by itself, and with success";

const DELETED_BY_OTHERS = "The pod was deleted, and not because Symphony returned the machine";

/** The state of a machine whose pod exists. */
export function stateOfPod(pod: Pod, { word, record, returned }: KnownMachine): NextState {
  const address = addressOf(pod);
  // 1. The machine was over before this pod was seen: it never counts again, and the pod has to go. But if it counted as gone
  // and this is its own pod, we were shown a wrong picture: it is not over.
  const isAnother = record?.uid !== undefined && record.uid !== pod.metadata.uid;
  if (isAnother || (word === "deleted" && !wasMistaken({ record, returned }))) {
    if (record?.givenUp) return { word: "deleted" };
    const over = record ?? { up: hasBeenUp(pod), returned, message: "Its pod was being deleted already", ...address };
    return { word: "deleted", record: { ...over, givenUp: true } };
  }
  // 2. We gave up on it: failed, whatever its pod does until it is gone.
  if (record?.givenUp) return record.uid ? { word: "failed" } : { word: "failed", record: { ...record, ...address } };
  // 3. Once it was up it stays so until its pod has ended, Ready or not, and Pending or not: a pod is Pending again while its
  // init containers run again, because its node or its sandbox was restarted. What is noted of an end is untrue then.
  const isUp = word === "running" && ["Running", "Pending"].includes(pod.status?.phase ?? "Pending");
  if (isUp || !hasEnded(pod)) {
    const alive: NextState = { word: isUp ? "running" : PHASE_WORD[phaseOf(pod)] ?? "unknown" };
    return record ? { ...alive, record: "none" } : alive;
  }
  // 4. The pod ended, and that is the machine's end: say how, once.
  if (record && word !== "deleted") return { word: record.succeeded ? "succeeded" : "failed" };
  const ended = { up: word === "running" || hasBeenUp(pod), returned, givenUp: false, ...address };
  const succeeded = word === "succeeded" || hasSucceeded(pod);
  if (succeeded) return { word: "succeeded", record: { ...ended, succeeded, message: SUCCEEDED } };
  const isFailed = pod.status?.phase === "Failed" && !returned;
  return { word: "failed", record: { ...ended, message: isFailed ? endMessage(pod) : goneMessage(pod, ended) } };
}

/**
 * The state of a machine whose pod has been seen gone.
 * @param last the pod as it was seen last, where it was
 */
export function stateOfGone(last: Pod | undefined, { word, record, returned }: KnownMachine): NextState {
  if (record) return { word: "deleted" };
  const succeeded = word === "succeeded" || (last !== undefined && hasSucceeded(last));
  // Where a power failure took the note and the pod file of one that had failed, it was one that was up and returned.
  const up = word === "running" || succeeded || (last ? hasBeenUp(last) : word === "failed" && returned);
  const ended = { up, returned, givenUp: false, ...(last ? addressOf(last) : {}) };
  if (succeeded) return { word: "deleted", record: { ...ended, succeeded, message: SUCCEEDED } };
  return { word: "deleted", record: { ...ended, message: goneMessage(last, ended) } };
}

/**
 * The state of a machine whose pod is gone and in whose place another pod stands: that one is a stray, which has to go.
 * @param last the machine's own pod as it was seen last, where that is known
 */
export function stateOfReplaced(last: Pod | undefined, known: KnownMachine): NextState {
  const { word, record = known.record } = stateOfGone(last, known);
  return record && record !== "none" ? { word, record: { ...record, givenUp: true } } : { word };
}

/**
 * True if a machine that counted as gone is not, as its pod is there: neither Symphony nor we ended it. Where nothing is noted,
 * the existing plug-in gave it up.
 */
function wasMistaken({ record, returned }: Pick<KnownMachine, "record" | "returned">): boolean {
  return record !== undefined && !record.givenUp && !record.returned && !returned;
}

/** True where the pod ended by itself, and well: a delete by others is no success. */
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
