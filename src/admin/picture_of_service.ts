import { timestampSeconds } from "../clock.ts";
import type { Limits } from "../machine/waiting.ts";
import { readCluster } from "../workdir/cluster.ts";
import { readDeletions } from "../workdir/deletions.ts";
import { doubtSyncStatus, readSyncStatus } from "../workdir/index/sync_status.ts";
import { readInstances } from "../workdir/instances.ts";
import { doubtService, type LockHolder, readHolder } from "../workdir/store/lock_holder.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** The watchers without which no machine is created or deleted. */
const NEEDED = ["request-machines", "request-return-machines", "pods"] as const;

/** The default limits of `serve` (see `docs/operate.md`), in case the holder of the lock has not recorded its own. */
const DEFAULT_LIMITS: Limits = { podTimeoutSeconds: 300, imagePullGraceSeconds: 60 };

/**
 * Who serves the work directory, and how far its view of the cluster can be believed. Times are in seconds since the
 * epoch.
 */
export interface PicturedService {
  workdir: string;
  /** The provider instance that the directory belongs to; absent before the first `serve`. */
  instance: string | undefined;
  /** The process that follows the pods, or was the last to do so. */
  server: { host: string; pid: number; command: string; since: number; seenAt: number } | undefined;
  /** The identity under which it holds the lease; absent if it uses no lease. */
  lease: string | undefined;
  /** Why the directory is not served now, as one sentence; absent if it is. */
  notServed: string | undefined;
  /** Where the machines are; absent if that is not known yet. */
  cluster: { server: string; namespace: string } | undefined;
  /** When the cluster was last heard from, and last listed completely; absent before the first time. */
  heardAt: number | undefined;
  completeAt: number | undefined;
  /** Why the view of the cluster is not to be believed, as one sentence; absent if it is. */
  doubt: string | undefined;
  /** The deletions that were held for a second look when that was last noted, and since when; absent if none was. */
  held: { count: number; since: number } | undefined;
  /** Entries of the work directory that are quarantined: the names of their notes. */
  quarantined: string[];
}

/** What reading machines needs to know of the service, too. */
export interface ServiceFacts {
  service: PicturedService;
  limits: Limits;
  clusterAheadSeconds: number;
}

/** @param nowMs the wall clock of a host that shares the directory */
export function lookAtService(workdir: Workdir, nowMs: number): ServiceFacts {
  const holder = readHolder(workdir, "pods");
  const view = readSyncStatus(workdir, "pods");
  const cluster = readCluster(workdir);
  const service: PicturedService = {
    workdir: workdir.layout.root,
    instance: holder?.instance ?? readInstances(workdir).at(-1),
    server: holder && serverOf(holder),
    lease: holder?.lease,
    notServed: doubtDirectory(workdir) ??
      NEEDED.map((watcher) => doubtService(workdir, watcher, nowMs)).find((why) => why !== undefined),
    cluster: cluster && { server: cluster.server, namespace: cluster.namespace },
    heardAt: view?.heardAt,
    completeAt: view?.completeAt,
    doubt: doubtSyncStatus(view, Math.floor(nowMs / 1_000)),
    held: readDeletions(workdir)?.held,
    quarantined: workdir.names(workdir.layout.setAside),
  };
  const limits = readHolder(workdir, "expiry")?.limits ?? DEFAULT_LIMITS;
  return { service, limits, clusterAheadSeconds: view?.clusterAheadSeconds ?? 0 };
}

/** How many deletions are held and why, as one sentence without a full stop; nothing if none is, or the directory is not served. */
export function heldText({ held, notServed }: PicturedService): string | undefined {
  if (!held || notServed !== undefined) return undefined;
  const deletions = held.count === 1 ? "1 deletion is" : `${held.count} deletions are`;
  return `${deletions} held for a second look: there were too many at once`;
}

/** Why no process can be serving it; `undefined` if one may be. */
function doubtDirectory(workdir: Workdir): string | undefined {
  const { root } = workdir.layout;
  return workdir.kind(root) === undefined
    ? `'${root}' does not exist, and has not been served yet: start 'hostfactory serve' with this --workdir`
    : undefined;
}

function serverOf({ host, pid, command, since, seenAt = since }: LockHolder): PicturedService["server"] {
  return { host, pid, command, since: timestampSeconds(since) ?? 0, seenAt: timestampSeconds(seenAt) ?? 0 };
}
