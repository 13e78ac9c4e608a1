import { type MachineState, machineStatus } from "../../hf/status.ts";
import type { Manifest } from "../../templates/manifest.ts";
import type { Tombstone } from "../../machine/tombstone.ts";
import type { RequestRecord } from "../../workdir/requests.ts";
import type { Ending } from "../work/endings.ts";

/** A machine whose pod is still to be created. */
export interface PendingMachine {
  name: string;
  index: number;
  /** Somebody may have asked for its pod already: this process, or one before it. */
  mayExist: boolean;
  failures: number;
  /** Not to be tried before, on the monotonic clock. */
  notBeforeMs: number;
}

/** A request that still has machines to create or to end. */
export interface ActiveRequest {
  id: string;
  record: RequestRecord | undefined;
  count: number;
  /** No pod of it is created any more: see `markOutdatedRequests`. */
  isOutdated: boolean;
  /** Absent where there is nothing to create. */
  manifest: Manifest | undefined;
  /** To be tried as soon as there is a free slot, the last one first. */
  ready: PendingMachine[];
  /** To be tried again later. */
  delayed: PendingMachine[];
  /** Never to be created, which is not written down yet. */
  ending: Ending[];
  inFlight: number;
  /** The place among all starts that its last one had; 0 before the first. */
  lastStart: number;
}

/** What the work directory says of a machine whose request is taken up. */
export interface TakenMachine {
  /** Its entry says that its pod is still to be created. */
  pending: boolean;
  word: MachineState | undefined;
  record: Tombstone | undefined;
  /** Symphony has given it back. */
  returned: boolean;
}

/**
 * What is to be done about a machine of a request that has not been handled. A crash may have come between any two of the
 * notes that are made of a machine.
 *
 * - `leave`: nothing
 * - `create`: its pod is to be created
 * - `settle`: its pod has been seen, or the machine has come to its end: no pod is to be created any more
 * - `end`: it was given up on; that is to be written down whole
 * - `endReturned`: it is not to be created, because Symphony has given it back
 */
export function decideTake(machine: TakenMachine): "leave" | "create" | "settle" | "end" | "endReturned" {
  const { pending, word, record, returned } = machine;
  const isOver = word !== undefined && machineStatus(word) === "terminated";
  if (record?.givenUp && !isOver) return "end";
  if (!pending) return "leave";
  if (record || (word !== undefined && word !== "creating")) return "settle";
  return returned ? "endReturned" : "create";
}

/** Why a machine failed that Symphony was quicker to give back than we to create it. */
export function endReturned(machine: string): Ending {
  const message = "Returned by Symphony before its pod was created";
  return { machine, word: "deleted", record: { up: false, returned: true, givenUp: true, message } };
}

/** The end of a machine that has no pod as far as can be known; should one appear after all, it is the machine's. */
export function endLost(machine: string, message: string): Ending {
  return { machine, word: "failed", record: { up: false, returned: false, givenUp: false, message } };
}

/** The end of a machine that has no pod and is never to have one. */
export function endRejected(machine: string, message: string): Ending {
  return { machine, word: "failed", record: { up: false, returned: false, givenUp: true, message } };
}
