import type { MachineState } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import type { Tombstone } from "./tombstone.ts";

/** A machine that is never to run: why, and its state from now on. */
export interface Ending {
  machine: string;
  state: Extract<MachineState, "failed" | "deleted">;
  tombstone: Tombstone;
  /** Its pod, which was not seen before and has to go. */
  pod?: Pod;
}

/** Why a machine failed that Symphony was quicker to give back than we to create it. */
export function endReturned(machine: string): Ending {
  const message = "Returned by Symphony before its pod was created";
  return { machine, state: "deleted", tombstone: { up: false, returned: true, givenUp: true, message } };
}

/** The end of a machine that has no pod as far as can be known; should one appear after all, it is the machine's. */
export function endLost(machine: string, message: string): Ending {
  return { machine, state: "failed", tombstone: { up: false, returned: false, givenUp: false, message } };
}

/** The end of a machine that has no pod and is never to have one. */
export function endRejected(machine: string, message: string): Ending {
  return { machine, state: "failed", tombstone: { up: false, returned: false, givenUp: true, message } };
}
