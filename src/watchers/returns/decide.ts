import type { MachineSnapshot } from "../../machine/snapshot.ts";

/**
 * What is to be done about a machine that Symphony has given back.
 *
 * - `gone`: nothing any more
 * - `wait`: its pod is not created, and the requests' watcher will see to it that it never is
 * - `delete`: its pod exists as far as we know
 * - `find`: it was created, but its pod has not been seen yet, or its file was lost; or nothing is known of it
 */
export function decideReturn(
  machine: Pick<MachineSnapshot, "state" | "pod" | "entry" | "tombstone">,
): "gone" | "wait" | "delete" | "find" {
  // In this order: nothing is read that need not be known.
  if (machine.pod) return "delete";
  const { state } = machine;
  if (state === "deleted") return "gone";
  if (machine.entry === "pending") return "wait";
  if (state !== "failed") return "find";
  // It failed without a pod; if nothing is noted, that may have been lost.
  const { tombstone } = machine;
  return tombstone && tombstone.uid === undefined ? "gone" : "find";
}
