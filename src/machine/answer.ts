import type { MachineAnswer } from "../hf/answers.ts";
import {
  type MachineResult,
  type MachineState,
  type MachineStatus,
  machineStatus,
  requestResult,
} from "../hf/status.ts";
import type { MachineSnapshot } from "./snapshot.ts";
import { hadPod } from "./tombstone.ts";

/** What a machine's message says while nothing is wrong with it, as the legacy plug-in has it. */
const ALLOCATED = "Allocated by K8s hostfactory";

/** Why a machine failed, if nothing more is known of it than its state. */
const GENERIC_FAILURE: Partial<Record<MachineState, string>> = {
  failed: "The pod failed",
  unknown: "The pod's state is unknown to the cluster: its node may be lost",
  deleted: "The pod was deleted, and not because Symphony returned the machine",
};

/**
 * What Symphony is told of a machine that it asked for.
 * @param request what the request says of itself; absent for those of the legacy plug-in
 */
export function answerForRequest(
  machine: MachineSnapshot,
  request: { requestedAt: number } | undefined,
): MachineAnswer {
  const { name, state } = machine;
  const result = resultForRequest(machine, request);
  // 1. Still to be created, or its state was lost: not decided yet.
  if (state === undefined && result === "executing") return undecided(name);
  // It is not named to Symphony yet, and needs no address.
  if (result === "executing") return answer({ name, result, status: machineStatus(state) });
  const known = { name, result, status: machineStatus(state), launchtime: request?.requestedAt };
  if (requestResult(state) !== "fail") return answer({ ...known, ...addressOf({ pod: machine.pod }) });
  // 2. It had succeeded before its pod went, or was up until Symphony gave it back: that is no failure.
  const ended = { ...known, ...addressOf(machine) };
  if (result === "succeed") return answer(ended);
  // 3. It failed, and says why.
  return answer({ ...ended, message: failureMessage(machine) });
}

/** What a request says of one of its machines: see `answerForRequest`. */
export function resultForRequest(
  machine: Pick<MachineSnapshot, "state" | "entry" | "tombstone" | "returned">,
  request: object | undefined,
): MachineResult {
  const { state } = machine;
  if (state === undefined && (machine.entry === "pending" || request)) return "executing";
  const result = requestResult(state);
  if (result !== "fail") return result;
  const { tombstone } = machine;
  // Of our machines only one that was up and returned can have lost its tombstone to a power failure: all others are synced
  // before their state is (see `mustLast`). The legacy plug-in, whose requests have no record, writes none: a machine of it that
  // is `failed` has failed.
  const mayLackNote = state === "deleted" || (state === "failed" && request !== undefined);
  const isWell = tombstone
    ? tombstone.succeeded || (tombstone.returned && tombstone.up)
    : mayLackNote && machine.returned;
  return isWell ? "succeed" : "fail";
}

/** Why a machine failed. */
export function failureMessage({ state, tombstone }: Pick<MachineSnapshot, "state" | "tombstone">): string {
  return tombstone?.message || (state && GENERIC_FAILURE[state]) || "Nothing is known of this machine any more";
}

/**
 * What Symphony is told of a machine that it gave back: it counts as given back once its pod is gone, whatever its state says
 * before that.
 * @param request the return request: whether it says more of itself than the legacy plug-in's do, and whether it is finished
 */
export function answerForReturn(
  machine: MachineSnapshot,
  request: { hasRecord: boolean; isProcessed: boolean },
): MachineAnswer {
  const { name, state } = machine;
  const status = isUndecided(state, request) ? "running" : machineStatus(state);
  return answer({ name, status, result: resultForReturn(machine, request), ...addressOf(machine) });
}

/** What a return request says of one of its machines: see `answerForReturn`. */
export function resultForReturn(
  machine: Pick<MachineSnapshot, "state" | "pod" | "tombstone" | "hasPodFile">,
  request: { hasRecord: boolean; isProcessed: boolean },
): MachineResult {
  const { state } = machine;
  const isDecided = !isUndecided(state, request) && mayHaveGone(state);
  return isDecided && hasGone(machine, request) ? "succeed" : "executing";
}

/** Whether a machine in this state may count as given back; if not, its return request says that it is executing. */
export function mayHaveGone(state: MachineState | undefined): boolean {
  return machineStatus(state) === "terminated" && state !== "unknown";
}

/** If nothing is known of it, the cluster is asked before its return request counts as handled. */
function isUndecided(
  state: MachineState | undefined,
  { hasRecord, isProcessed }: { hasRecord: boolean; isProcessed: boolean },
): boolean {
  return state === undefined && hasRecord && !isProcessed;
}

function hasGone(
  machine: Pick<MachineSnapshot, "state" | "pod" | "tombstone" | "hasPodFile">,
  { isProcessed }: { isProcessed: boolean },
): boolean {
  const { state, pod, tombstone } = machine;
  if (state === "deleted") {
    // The legacy plug-in says so as soon as it gives a pod up. Another pod in its place does not count.
    const isStillThere = pod !== undefined && (tombstone === undefined || tombstone.uid === pod.uid);
    return !isStillThere;
  }
  // If it may have had a pod, that its file is not there is no proof: a power failure may have taken it, and the note with it.
  const mayHaveHadPod = state === "succeeded" || (tombstone ? hadPod(tombstone) : state === "failed");
  return (isProcessed || !mayHaveHadPod) && !machine.hasPodFile;
}

/** What Symphony is told of a machine that it gave back and that we never issued. */
export function answerForUnknown(name: string): MachineAnswer {
  return answer({ name, result: "succeed", status: "terminated" });
}

/** What Symphony is told of a machine about which nothing can be said yet, or nothing can be read now. */
export function undecided(name: string): MachineAnswer {
  return answer({ name, result: "executing", status: "running" });
}

/** Who and where the machine is or was: from its pod, else from what was noted at its end. */
function addressOf({ pod, tombstone }: Partial<Pick<MachineSnapshot, "pod" | "tombstone">>): Partial<MachineAnswer> {
  const { uid, privateIpAddress } = pod ?? tombstone ?? {};
  const launchtime = pod ? pod.createdAt : tombstone?.launchtime;
  return {
    ...(uid === undefined ? {} : { machineId: uid }),
    ...(privateIpAddress === undefined ? {} : { privateIpAddress }),
    ...(launchtime === undefined ? {} : { launchtime }),
  };
}

function answer(
  facts:
    & { name: string; result: MachineResult; status: MachineStatus }
    & { [key in keyof MachineAnswer]?: MachineAnswer[key] | undefined },
): MachineAnswer {
  return {
    machineId: facts.machineId ?? "",
    name: facts.name,
    result: facts.result,
    status: facts.status,
    privateIpAddress: facts.privateIpAddress ?? "",
    publicIpAddress: "",
    launchtime: facts.launchtime ?? 0,
    message: facts.message ?? ALLOCATED,
  };
}
