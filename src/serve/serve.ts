import { type Clock, epochSeconds, NOT_NEEDED } from "../clock.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import type { ConnectionOptions } from "../kube/transport/connection.ts";
import type { Kube } from "../kube/kube.ts";
import { logger } from "../log.ts";
import type { Monitor } from "../metrics/monitor.ts";
import type { Random } from "../random.ts";
import { backoffMs } from "../watchers/work/backoff.ts";
import { instancesOnPods } from "../watchers/work/ownership.ts";
import { newIdentity, readIdentity } from "../workdir/identity.ts";
import { doubtSyncStatus, readSyncStatus } from "../workdir/index/sync_status.ts";
import { checkInstance, recordInstance } from "../workdir/instances.ts";
import type { Locks } from "../workdir/store/lock.ts";
import type { LockHolder } from "../workdir/store/lock_holder.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { ClusterGuard } from "./cluster_guard.ts";
import { DirectoryLocks } from "./directory_locks.ts";
import { Fence, isNotOwner } from "./fence.ts";
import type { Collect } from "./memory.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import type { Usage } from "./stats_line.ts";
import { openExtensions } from "./extensions.ts";
import { Tenure } from "./tenure.ts";
import { watch, type WatchOptions } from "./watch.ts";
import { WATCHERS } from "./watcher_names.ts";

/** What a daemon stands on. */
export interface Daemon {
  workdir: Workdir;
  /** The cluster, with what is to be asked before it is changed, and before it is used at all. */
  connect: (guards: Pick<ConnectionOptions, "beforeChange" | "admit">) => Kube;
  clock: Clock;
  random: Random;
  locks: Locks;
  holder: LockHolder;
  /** Collects garbage at once, if that can be had. */
  collect?: Collect | undefined;
  /** The memory that the process holds, where a line a minute is to tell how it is. */
  usage?: () => Usage;
  /** Sees what the daemon does, where that is to be told. */
  monitor?: Monitor | undefined;
  /** Told which machines were written down. */
  changed?: ((machines: string[]) => void) | undefined;
  /** What each event says beside its own; absent: no events are recorded. */
  eventMetadata?: Readonly<Record<string, string>>;
  /** The configuration directory; absent: no extension is registered by a file. */
  confdir?: string | undefined;
  /** The extensions that are registered, and what calls their hooks; default: see `openExtensions`. */
  extensions?: Pick<Dependencies, "registrations" | "hooks">;
}

/** Which cluster and which machines are meant. */
export interface Scope {
  instance: string;
  /** The fingerprint of a cluster that is to be the work directory's from now on: see `ClusterGuard`. */
  acceptCluster?: string | undefined;
  /** The name of an instance that is to be the work directory's from now on. */
  acceptInstance?: string | undefined;
}

export interface ServeOptions extends Scope, WatchOptions {}

/** How a process reaches the cluster, and comes to own what it changes there. */
interface Connection {
  fence: Fence;
  kube: Kube;
  tenure: Tenure;
}

/** A daemon with all that its watchers need but to be the owner. */
type ConnectedDaemon = Daemon & Connection & Pick<Dependencies, "registrations" | "hooks">;

/** What has been lost of what a process owns. */
interface Lost {
  what: "directory" | "instance";
  /** Why, as a sentence. */
  reason?: string;
}

const log = logger("serve");

/**
 * Runs watchers over one work directory until `stopping` aborts, and then ends what is under way, within ten seconds. Waits
 * as a standby while the directory, or the provider instance, is another's; starts over if it loses one of them.
 * @throws HostFactoryError if the work directory cannot be used, or is of another instance; with exit code 3 if another process
 * watches the same and `runOnce` is set
 */
export async function serve(daemon: Daemon, options: ServeOptions, stopping: AbortSignal): Promise<void> {
  const { workdir } = daemon;
  const { dryRun = false } = options;
  workdir.check({ reads: dryRun });
  checkInstance(workdir, options.instance, { seen: () => instancesOnPods(workdir), accepted: options.acceptInstance });
  const connected = connect(daemon, options);
  const { fence, tenure } = connected;
  daemon.monitor?.health.judgeBy({
    tenure: () => ({ isOwner: fence.isOpen, standby: tenure.standby, trouble: tenure.trouble }),
    doubt: () => doubtSyncStatus(readSyncStatus(workdir, "pods"), epochSeconds(daemon.clock.now())),
  });
  // It outlives a term: what is broken keeps its last good form.
  const extensions = watched(daemon.extensions ?? openExtensions(daemon), daemon.monitor);
  const ready = { ...daemon, ...connected, ...extensions };
  if (dryRun) return await lookOn(ready, options, stopping);
  let isAnother = false;
  for (let isFirst = true; !stopping.aborted; isFirst = false) {
    const lost = await serveTenure(ready, options, { stopping, isFirst, isAnother });
    if (!lost) return;
    isAnother = lost.what === "directory";
    if (isAnother) {
      const { reason } = lost;
      log.warn("The work directory is not as it was taken: starting over", { workdir: workdir.layout.root, reason });
    }
  }
}

/** Runs the watchers beside the owner, if there is one: what they would change is only logged. */
async function lookOn(daemon: ConnectedDaemon, options: ServeOptions, stopping: AbortSignal): Promise<void> {
  const { workdir, fence, kube } = daemon;
  fence.openUntil(Infinity);
  const identity = readIdentity(workdir) ?? newIdentity(workdir);
  const terms = { identity, isLeased: true };
  // An owner has asked for the lease; an onlooker whose one look tells nothing has failed, too.
  if (options.runOnce) await kube.listPods({ limit: 1, signal: stopping });
  await watch({ ...daemon, terms, stopping, lost() {} }, options);
}

/**
 * Waits to become the owner, and runs the watchers until `stopping` aborts or something is lost.
 * @param term `isFirst`: what is wrong with the directory is not waited for; `isAnother`: see `settleIn`
 * @returns what has been lost; `undefined` if the process is to end
 */
async function serveTenure(
  daemon: ConnectedDaemon,
  options: ServeOptions,
  { stopping, isFirst, isAnother }: { stopping: AbortSignal; isFirst: boolean; isAnother: boolean },
): Promise<Lost | undefined> {
  const { workdir, clock, random, fence, tenure } = daemon;
  let lost: Lost | undefined;
  const end = new AbortController();
  const stop = () => end.abort(NOT_NEEDED);
  const lose = (what: Lost) => {
    lost = what;
    stop();
  };
  const begun = { lost: () => lose({ what: "instance" }), mayThrow: isFirst };
  const terms = options.runOnce ? await tenure.beginNow(stopping) : await tenure.begin(stopping, begun);
  if (!terms) return undefined;
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  try {
    await settleIn(workdir.fenced(fence.check), options, { isAnother });
    const lostDirectory = (reason: string) => lose({ what: "directory", reason });
    await watch({ ...daemon, terms, stopping: end.signal, lost: lostDirectory }, options);
  } catch (error) {
    if (!(error instanceof HostFactoryError) || (isFirst && !isNotOwner(error))) throw error;
    log.error("Work directory not usable", { error: describeError(error) });
    lost = isNotOwner(error) ? { what: "instance" } : { what: "directory", reason: "It could not be used" };
    await clock.sleep(backoffMs(1, random), stopping).catch(() => {});
  } finally {
    stopping.removeEventListener("abort", stop);
    if (!lost || stopping.aborted) await tenure.end();
    else await tenure.pause();
  }
  return lost;
}

/** The same extensions, of which the calls are counted. */
function watched(
  { registrations, hooks }: Pick<Dependencies, "registrations" | "hooks">,
  monitor: Monitor | undefined,
): Pick<Dependencies, "registrations" | "hooks"> {
  return { registrations, hooks: monitor?.hooks(hooks) ?? hooks };
}

/** @param options `isAnother`: it is not the directory that was ours, and its views say nothing of the cluster */
async function settleIn(
  workdir: Workdir,
  { watchers, instance }: ServeOptions,
  { isAnother }: { isAnother: boolean },
): Promise<void> {
  for (const watcher of isAnother ? watchers : []) workdir.remove(workdir.layout.view(watcher));
  await recordInstance(workdir, instance, () => instancesOnPods(workdir));
}

/** The cluster behind its guards, and how this process comes to own what it changes there. */
export function connect(
  daemon: Daemon,
  { instance, acceptCluster, watchers, dryRun = false }: Scope & Pick<ServeOptions, "watchers" | "dryRun">,
): Connection {
  const { workdir, clock, random, holder } = daemon;
  const fence = new Fence(clock);
  const guard = new ClusterGuard(workdir, {
    accepted: acceptCluster,
    mayWrite: () => fence.isOpen,
    moved: () => tenure.moved(),
    isOnlooker: dryRun,
  });
  const connected = daemon.connect({ beforeChange: fence.check, admit: guard.admit });
  const kube = daemon.monitor?.kube(connected) ?? connected;
  const locks = new DirectoryLocks({ workdir, locks: daemon.locks, watchers, holder });
  const isShared = watchers.length < WATCHERS.length;
  const tenure: Tenure = new Tenure({
    workdir,
    kube,
    clock,
    random,
    locks,
    fence,
    holder,
    instance,
    isShared,
    refusal: () => guard.refusal,
  });
  return { fence, kube, tenure };
}
