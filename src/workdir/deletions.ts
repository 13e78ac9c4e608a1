import * as v from "valibot";
import { FiniteNumber, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const DeletionsSchema = v.object({
  at: FiniteNumber,
  count: FiniteNumber,
  held: v.optional(v.object({ count: FiniteNumber, since: FiniteNumber })),
});

/** The deletions of pods that Symphony has not asked for: see `DeletionBrake`. Times are in seconds since the epoch. */
export interface Deletions {
  /** How many were done within the minute before. */
  at: number;
  count: number;
  /** How many are held for a second look, and since when the first of them is; absent if none is. */
  held?: { count: number; since: number } | undefined;
}

/** What was noted last; `undefined` if nothing was. */
export function readDeletions(workdir: Workdir): Deletions | undefined {
  return readRecord(workdir, workdir.layout.deletions, DeletionsSchema);
}

export function writeDeletions(workdir: Workdir, deletions: Deletions): void {
  workdir.write(workdir.layout.deletions, `${JSON.stringify(deletions)}\n`);
}
