import * as v from "valibot";
import { readRecord } from "./record.ts";
import type { Workdir } from "./workdir.ts";

const HolderSchema = v.object({
  host: v.string(),
  pid: v.number(),
  command: v.string(),
  since: v.string(),
  /** The provider instance that it serves, or is to serve. */
  instance: v.optional(v.string()),
  /** When it was last there. */
  seenAt: v.optional(v.string()),
  /** The identity by which it asks for the lease; absent if it takes no part in that. */
  lease: v.optional(v.string()),
  /** Why it does not serve the directory now, though it holds the lock; absent if it does. */
  standby: v.optional(v.string()),
  /** How long it lets machines take to come up, if it is who gives them up: see `Limits` in `machine/waiting.ts`. */
  limits: v.optional(v.object({ podTimeoutSeconds: v.number(), imagePullGraceSeconds: v.number() })),
});

/** Who holds a lock, as it has noted itself. */
export type LockHolder = v.InferOutput<typeof HolderSchema>;

/** Who has noted last that it holds the lock, whether it does still or not. */
export function readHolder(workdir: Workdir, watcher: string): LockHolder | undefined {
  return readRecord(workdir, workdir.layout.lockHolder(watcher), HolderSchema);
}

/** For a message. */
export function describeHolder(holder: Partial<LockHolder> | undefined): string {
  if (holder?.command === undefined) return "another process";
  return `'${holder.command}', process ${holder.pid} on ${holder.host}, since ${holder.since}`;
}

/** Writes down who holds a lock. @returns the note */
export function noteHolder(workdir: Workdir, watcher: string, holder: LockHolder): string {
  const text = `${JSON.stringify(holder)}\n`;
  workdir.write(workdir.layout.lockHolder(watcher), text);
  return text;
}

/** How old, in milliseconds, a note may be: it is written every five seconds. */
const NOTE_LIFETIME_MS = 60_000;

/** For how long, in milliseconds, after its owner's last note no other directory can have the lease. */
const SOLE_MS = 13_000;

/**
 * Why the work directory is not served now, as far as one watcher goes, as one sentence; `undefined` if it is.
 * @param nowMs the wall clock of a host that shares the directory
 */
export function doubtService(workdir: Workdir, watcher: string, nowMs: number): string | undefined {
  const { root } = workdir.layout;
  const holder = readHolder(workdir, watcher);
  if (!holder) return `'${root}' has not been served yet: start 'hostfactory serve' with this --workdir`;
  const seenAt = holder.seenAt ?? holder.since;
  if (nowMs - Date.parse(seenAt) > NOTE_LIFETIME_MS) {
    const why = holder.standby === undefined
      ? "start 'hostfactory serve', or see its log for why it ended"
      : holder.standby;
    return `'${root}' has not been served since ${seenAt}: ${why}`;
  }
  return holder.standby === undefined ? undefined : `'${root}' is not served now: ${holder.standby}`;
}

/**
 * True if another work directory may have the instance by now, and machines of it that this one has never heard of: whoever
 * followed the pods here has not been there lately, or is a standby.
 * @param nowMs the wall clock of a host that shares the directory
 */
export function mayBeServedElsewhere(workdir: Workdir, nowMs: number): boolean {
  const holder = readHolder(workdir, "pods");
  return !holder || holder.standby !== undefined || nowMs - Date.parse(holder.seenAt ?? holder.since) > SOLE_MS;
}
