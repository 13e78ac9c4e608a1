import * as v from "valibot";
import type { Departure } from "../workdir/departures.ts";

/**
 * Seconds that a machine has left on a node that is about to go; nothing while it may stay. What is said is what it has at
 * least: the grace of its pod, which begins at any moment, or the time until the node itself is gone if that is less.
 * @param pod `tolerations`: as its file has them
 * @param time the cluster's time, and that of our host: a node counts as lost for good once both say so, for either may be wrong
 */
export function nodeGrace(
  { goneAt = Infinity, lost }: Departure,
  { graceSeconds, tolerations }: { graceSeconds: number; tolerations: () => unknown },
  { now, hostNow }: { now: number; hostNow: number },
): number | undefined {
  if (lost) {
    const seconds = tolerationSeconds(tolerations(), lost.taint);
    const isLate = lost.seenAt === undefined || hostNow >= lost.seenAt + seconds;
    return now >= lost.since + seconds && isLate ? 0 : undefined;
  }
  return Math.max(0, Math.min(graceSeconds, goneAt - now));
}

const Text = v.optional(v.nullable(v.string()));
const Seconds = v.optional(v.nullable(v.number()));
const TolerationsSchema = v.array(v.object({
  key: Text,
  operator: Text,
  value: Text,
  effect: Text,
  tolerationSeconds: Seconds,
  toleration_seconds: Seconds,
}));

/**
 * How long a pod stays on a node with this NoExecute taint, which has no value; infinity: for ever. Of a pod file that does not
 * say so, for ever too (source: Kubernetes documentation, "Taints and Tolerations").
 */
function tolerationSeconds(tolerations: unknown, taint: string): number {
  const parsed = v.safeParse(v.nullish(TolerationsSchema), tolerations);
  if (!parsed.success) return Infinity;
  const found = parsed.output?.find(({ key, operator, value, effect }) =>
    (!effect || effect === "NoExecute") && (key ? key === taint : operator === "Exists") &&
    (operator === "Exists" || !value)
  );
  // Admission gives every pod such a toleration; without any, it would be gone at once.
  if (!found) return 0;
  return found.tolerationSeconds ?? found.toleration_seconds ?? Infinity;
}
