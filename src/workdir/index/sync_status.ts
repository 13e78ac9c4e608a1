import * as v from "valibot";
import { epochSeconds } from "../../clock.ts";
import { mayBeServedElsewhere } from "../store/lock_holder.ts";
import { FiniteNumber, readRecord } from "../store/record.ts";
import type { Workdir } from "../store/workdir.ts";

/**
 * How old, in seconds, a view may be and still be believed. A watch is heard from at least once a minute (the server ends
 * it that often), so twice that means that no one watches or no one answers.
 */
export const SYNC_LIFETIME_SECONDS = 120;

/** Besides the view, the inode of the work directory that it is of. */
const ViewSchema = v.object({
  inode: v.number(),
  completeAt: FiniteNumber,
  heardAt: FiniteNumber,
  clusterAheadSeconds: v.optional(FiniteNumber),
  doubt: v.optional(v.string()),
  hasForeign: v.optional(v.literal(true)),
});

/** When a watcher's view of the cluster was last complete and last heard from: seconds since the epoch on its host. */
export interface SyncStatus {
  /** When a LIST was last finished and everything that it brought, written down. */
  completeAt: number;
  /** When the API server last spoke to us, everything that it said being written down. */
  heardAt: number;
  /** How far the cluster's clock is ahead of that of the watcher's host (behind: less than 0), if it is known. */
  clusterAheadSeconds?: number | undefined;
  /** Why it is not to be believed for now, as one sentence: what the cluster shows is being confirmed. */
  doubt?: string | undefined;
  /** There are pods of our instance that another work directory has made, and that are not followed. */
  hasForeign?: true | undefined;
}

/**
 * The view, or `undefined` if no watcher has finished its first LIST here. What a backup holds is none: the machines that came
 * after it would count as gone.
 */
export function readSyncStatus(workdir: Workdir, name: string): SyncStatus | undefined {
  const record = readRecord(workdir, workdir.layout.view(name), ViewSchema);
  if (!record || record.inode !== workdir.inode) return undefined;
  const { inode: _, ...view } = record;
  return view;
}

/** To be called once the work directory is prepared: what is written down is of that, and of no other in its place. */
export function writeSyncStatus(workdir: Workdir, name: string, view: SyncStatus): void {
  workdir.write(workdir.layout.view(name), `${JSON.stringify({ ...view, inode: workdir.preparedInode })}\n`);
}

/** Why the view is not to be believed, as one sentence; `undefined` if it is. @param now seconds since the epoch */
export function doubtSyncStatus(view: SyncStatus | undefined, now: number): string | undefined {
  if (!view) {
    return "The cluster has not been listed yet: start 'hostfactory serve', or see its log for why it cannot";
  }
  if (view.doubt !== undefined) return view.doubt;
  const age = now - view.heardAt;
  if (age > SYNC_LIFETIME_SECONDS) {
    return `The cluster was last heard from ${age} s ago: see that 'hostfactory serve' runs and reaches it`;
  }
  if (age < -SYNC_LIFETIME_SECONDS) {
    return `The cluster was last heard from ${-age} s in the future: set the clocks of the management hosts right`;
  }
  return undefined;
}

/** Why the work directory need not know every request and pod that exists, as one sentence; `undefined` if it does. */
export function doubtPods(workdir: Workdir, nowMs: number): string | undefined {
  const view = readSyncStatus(workdir, "pods");
  const doubt = doubtSyncStatus(view, epochSeconds(nowMs));
  if (doubt) return doubt;
  if (view?.hasForeign) {
    return "There are pods of this instance that another work directory has made: see the log of 'hostfactory serve'";
  }
  if (workdir.kind(workdir.layout.requests) !== "directory") {
    return "The work directory has lost its requests: start 'hostfactory serve', or see its log for why it cannot run";
  }
  if (!mayBeServedElsewhere(workdir, nowMs)) return undefined;
  return "Machines may have been created from another work directory lately: see that 'hostfactory serve' runs for this one";
}
