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
  { state, pod, entry, tombstone }: Pick<MachineSnapshot, "state" | "pod" | "entry" | "tombstone">,
): "gone" | "wait" | "delete" | "find" {
  if (pod) return "delete";
  if (state === "deleted") return "gone";
  if (entry === "pending") return "wait";
  // It failed without a pod; where nothing is noted, that may have been lost.
  return state === "failed" && tombstone && tombstone.uid === undefined ? "gone" : "find";
}
