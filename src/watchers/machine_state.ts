import { epochSeconds } from "../clock.ts";
import type { StatusWord } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import type { MachineRecord } from "../workdir/machines.ts";
import { disruptionReason, failureReason, hasRun } from "./reason.ts";

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

/** The state of a machine whose pod exists. */
export function stateOfPod(pod: Pod, { word, record, returned }: KnownMachine): MachineState {
  const address = addressOf(pod);
  // 1. The machine was over before this pod showed up: it never counts again, and its pod has to go.
  if (word === "deleted") {
    if (record?.givenUp) return { word };
    const over = record ?? { up: hasRun(pod), returned, message: "Its pod was being deleted already", ...address };
    return { word, record: { ...over, givenUp: true } };
  }
  // 2. We gave up on it: failed, whatever its pod does until it is gone.
  if (record?.givenUp) return record.uid ? { word: "failed" } : { word: "failed", record: { ...record, ...address } };
  // 3. The pod failed, and that is the machine's end: say why, once.
  const next = PHASE_WORD[pod.status?.phase ?? "Pending"] ?? "unknown";
  if (next !== "failed" || record) return { word: next };
  const up = word === "running" || hasRun(pod);
  const message = returned ? "Returned by Symphony" : `The pod failed: ${failureReason(pod)}`;
  return { word: next, record: { up, returned, givenUp: false, message, ...address } };
}

/**
 * The state of a machine whose pod has been seen gone.
 * @param last the pod as it was seen last, where it was
 */
export function stateOfGone(last: Pod | undefined, { word, record, returned }: KnownMachine): MachineState {
  if (record) return { word: "deleted" };
  const up = word === "running" || word === "succeeded" || (last !== undefined && hasRun(last));
  const message = goneMessage(last, { up, returned });
  return { word: "deleted", record: { up, returned, givenUp: false, message, ...(last ? addressOf(last) : {}) } };
}

function goneMessage(last: Pod | undefined, { up, returned }: { up: boolean; returned: boolean }): string {
  if (returned) return up ? "Returned by Symphony" : "Returned by Symphony before it was running";
  const reason = last && disruptionReason(last);
  return reason
    ? `The cluster took the pod away: ${reason}`
    : "The pod was deleted, and not because Symphony returned the machine";
}

function addressOf(pod: Pod): Pick<MachineRecord, "uid" | "privateIpAddress" | "launchtime"> {
  const { uid, creationTimestamp } = pod.metadata;
  return {
    uid,
    privateIpAddress: pod.status?.podIP,
    launchtime: creationTimestamp === undefined ? undefined : epochSeconds(Date.parse(creationTimestamp)),
  };
}
