import { epochSeconds } from "../clock.ts";
import type { StatusWord } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import type { MachineRecord } from "../workdir/machines.ts";
import { disruptionReason, endedByDeletion, failureReason } from "./reason.ts";
import { hasBeenUp, phaseOf } from "./up.ts";

/** What the work directory says of a machine before a look at the cluster. */
export interface KnownMachine {
  word: StatusWord | undefined;
  record: MachineRecord | undefined;
  /** Symphony has given it back. */
  returned: boolean;
}

/** What the work directory is to say. */
export interface MachineState {
  word: StatusWord;
  /** To be written where it is there; else what is there stays. */
  record?: MachineRecord;
}

const PHASE_WORD: Record<string, StatusWord> = {
  Pending: "pending",
  Running: "running",
  Succeeded: "succeeded",
  Failed: "failed",
  Unknown: "unknown",
};

const DELETED_BY_OTHERS = "The pod was deleted, and not because Symphony returned the machine";

/** The state of a machine whose pod exists. */
export function stateOfPod(pod: Pod, { word, record, returned }: KnownMachine): MachineState {
  const address = addressOf(pod);
  // 1. The machine was over before this pod showed up: it never counts again, and its pod has to go.
  if (word === "deleted") {
    if (record?.givenUp) return { word };
    const over = record ?? { up: hasBeenUp(pod), returned, message: "Its pod was being deleted already", ...address };
    return { word, record: { ...over, givenUp: true } };
  }
  // 2. We gave up on it: failed, whatever its pod does until it is gone.
  if (record?.givenUp) return record.uid ? { word: "failed" } : { word: "failed", record: { ...record, ...address } };
  // 3. It runs, and once it was up it stays so for as long as it runs, Ready or not.
  if (pod.status?.phase === "Running" && word === "running") return { word };
  // 4. The pod failed, and that is the machine's end: say why, once.
  const next = PHASE_WORD[phaseOf(pod)] ?? "unknown";
  if (next !== "failed" || record) return { word: next };
  const up = word === "running" || hasBeenUp(pod);
  const message = returned ? "Returned by Symphony" : endMessage(pod);
  return { word: next, record: { up, returned, givenUp: false, message, ...address } };
}

/**
 * The state of a machine whose pod has been seen gone.
 * @param last the pod as it was seen last, where it was
 */
export function stateOfGone(last: Pod | undefined, { word, record, returned }: KnownMachine): MachineState {
  if (record) return { word: "deleted" };
  const up = word === "running" || word === "succeeded" || (last !== undefined && hasBeenUp(last));
  const message = goneMessage(last, { up, returned });
  return { word: "deleted", record: { up, returned, givenUp: false, message, ...(last ? addressOf(last) : {}) } };
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

function addressOf(pod: Pod): Pick<MachineRecord, "uid" | "privateIpAddress" | "launchtime"> {
  const { uid, creationTimestamp } = pod.metadata;
  return {
    uid,
    privateIpAddress: pod.status?.podIP,
    launchtime: creationTimestamp === undefined ? undefined : epochSeconds(Date.parse(creationTimestamp)),
  };
}
