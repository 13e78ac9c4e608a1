import type { MachineSnapshot } from "../../machine/snapshot.ts";
import { isTerminal } from "../../machine/terminal.ts";

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
export function decideTake(
  { entry, state, tombstone, returned }: Pick<MachineSnapshot, "entry" | "state" | "tombstone" | "returned">,
): "leave" | "create" | "settle" | "end" | "endReturned" {
  if (tombstone?.givenUp && !isTerminal(state)) return "end";
  if (entry !== "pending") return "leave";
  if (tombstone || (state !== undefined && state !== "creating")) return "settle";
  return returned ? "endReturned" : "create";
}
