import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import type { ConnectionOptions } from "../kube/transport/connection.ts";
import type { Kube } from "../kube/kube.ts";
import { reflect } from "../kube/reflector.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { PodLabel } from "../templates/podspec.ts";
import { version } from "../version.ts";
import { backoffMs } from "../watchers/work/backoff.ts";
import { TimeoutsWatcher } from "../watchers/timeouts/watcher.ts";
import { TemporaryFilesWatcher } from "../watchers/gc/temporary_files.ts";
import type { Loop } from "../watchers/outcome.ts";
import { NodesWatcher } from "../watchers/nodes/watcher.ts";
import { instancesOnPods } from "../watchers/work/ownership.ts";
import type { RetentionLimits } from "../watchers/gc/retention_policy.ts";
import { PodsWatcher } from "../watchers/pods/watcher.ts";
import { RequestMachinesWatcher } from "../watchers/requests/watcher.ts";
import { RequestReturnMachinesWatcher } from "../watchers/returns/watcher.ts";
import { RetentionWatcher } from "../watchers/gc/watcher.ts";
import { QuarantineWatcher } from "../watchers/quarantine/watcher.ts";
import { ReturnAnnotationWatcher } from "../watchers/returns/return_annotation_watcher.ts";
import type { Watching } from "../watchers/dependencies.ts";
import { newIdentity, readIdentity } from "../workdir/identity.ts";
import { checkInstance, readInstances, recordInstance } from "../workdir/instances.ts";
import type { Locks } from "../workdir/store/lock.ts";
import type { LockHolder } from "../workdir/store/lock_holder.ts";
import { PodNames } from "../workdir/index/pod_names.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { ClusterGuard } from "./cluster_guard.ts";
import { DirectoryKeeper } from "./directory_keeper.ts";
import { DirectoryLocks } from "./directory_locks.ts";
import { Fence, isNotOwner } from "./fence.ts";
import { LoopRunner } from "./loop_runner.ts";
import { type Collect, MemoryKeeper } from "./memory.ts";
import { StatsLine, type Usage } from "./stats_line.ts";
import { Tenure, type Terms } from "./tenure.ts";

/** The watchers that can run alone or together; each has a lock of its own. */
export const WATCHERS = ["request-machines", "request-return-machines", "pods", "nodes", "expiry"] as const;
export type WatcherName = typeof WATCHERS[number];

/** What a daemon stands on. */
export interface Daemon {
  workdir: Workdir;
  /** The cluster, with what is to be asked before it is changed, and before it is used at all. */
  connect: (guards: Pick<ConnectionOptions, "beforeChange" | "admit">) => Kube;
  clock: Clock;
  random: Random;
  locks: Locks;
  holder: LockHolder;
  /** Collects garbage at once, where that can be had. */
  collect?: Collect | undefined;
  /** The memory that the process holds, where a line a minute is to tell how it is. */
  usage?: () => Usage;
}

/** Which cluster and which machines are meant. */
export interface Scope {
  instance: string;
  /** The fingerprint of a cluster that is to be the work directory's from now on: see `ClusterGuard`. */
  acceptCluster?: string | undefined;
  /** The name of an instance that is to be the work directory's from now on. */
  acceptInstance?: string | undefined;
}

export interface ServeOptions extends Scope {
  watchers: readonly WatcherName[];
  /** Calls under way at once, of creates and of deletes each. */
  concurrency: number;
  /** How long a machine may take to come up: see `Limits` in `watchers/aging_machine.ts`. */
  podTimeoutSeconds: number;
  imagePullGraceSeconds: number;
  /** After how many seconds the API server is asked to end each watch. */
  watchTimeoutSeconds: number;
  /** How often everything is listed anew though nothing seems to be missing, in milliseconds; default: the reflector's. */
  relistMs?: number;
  /** Whoever follows the pods removes what is long past. Absent: nothing is removed. */
  retention?: RetentionLimits;
  /** Only `expiry` knows it: log what would be deleted, and delete nothing. */
  dryRun?: boolean;
  /** Let each watcher take one step, end what that started, and stop. */
  runOnce?: boolean;
}

/** How often, in milliseconds, the directories are looked at that no notice came for: network file systems give none. */
const SCAN_EVERY_MS = 1_000;

/** How often, in milliseconds, it is tried to follow the nodes where that is not granted: sites may do without. */
const NODES_REFUSED_MS = 10 * 60_000;

/** Nodes in a page: each is much longer than a pod. */
const NODES_IN_PAGE = 100;

/** What has been lost of what a process owns. */
interface Lost {
  what: "directory" | "instance";
  /** Why, as a sentence. */
  reason?: string;
}

/** How long, in milliseconds, calls under way may take to end once the daemon is to stop. */
const DRAIN_MS = 8_000;

const log = logger("serve");

/**
 * Runs watchers over one work directory until `stopping` aborts, and then ends what is under way, within ten seconds. Waits
 * as a standby while the directory, or the provider instance, is somebody else's; starts over if it loses one of them.
 * @throws HostFactoryError if the work directory cannot be used, or is of another instance; with exit code 3 if another process
 * watches the same and `runOnce` is set
 */
export async function serve(daemon: Daemon, options: ServeOptions, stopping: AbortSignal): Promise<void> {
  const { workdir } = daemon;
  const { watchers, runOnce = false, dryRun = false } = options;
  workdir.check({ reads: dryRun });
  checkInstance(workdir, options.instance, { seen: () => instancesOnPods(workdir), accepted: options.acceptInstance });
  const { fence, kube, tenure } = connect(daemon, { ...options, watchers });
  if (dryRun) {
    // An onlooker may look on beside the owner.
    fence.openUntil(Infinity);
    const identity = readIdentity(workdir) ?? newIdentity(workdir);
    return await watch(daemon, options, {
      fence,
      kube,
      tenure,
      terms: { identity, isLeased: true },
      stopping,
      lost() {},
    });
  }
  let isAnother = false;
  for (let isFirst = true; !stopping.aborted; isFirst = false) {
    let lost: Lost | undefined;
    const end = new AbortController();
    const stop = () => end.abort(NOT_NEEDED);
    const lose = (what: Lost) => {
      lost = what;
      stop();
    };
    const begun = { lost: () => lose({ what: "instance" }), mayThrow: isFirst };
    const terms = runOnce ? await tenure.beginNow(stopping) : await tenure.begin(stopping, begun);
    if (!terms) return;
    stopping.addEventListener("abort", stop, { once: true });
    if (stopping.aborted) stop();
    try {
      await settleIn(workdir.fenced(fence.check), options, { isAnother });
      const lostDirectory = (reason: string) => lose({ what: "directory", reason });
      await watch(daemon, options, { fence, kube, tenure, terms, stopping: end.signal, lost: lostDirectory });
    } catch (error) {
      if (!(error instanceof HostFactoryError) || (isFirst && !isNotOwner(error))) throw error;
      log.error("Work directory not usable", { error: describeError(error) });
      lost = isNotOwner(error) ? { what: "instance" } : { what: "directory", reason: "It could not be used" };
      await daemon.clock.sleep(backoffMs(1, daemon.random), stopping).catch(() => {});
    } finally {
      stopping.removeEventListener("abort", stop);
      if (!lost || stopping.aborted) await tenure.end();
      else await tenure.pause();
    }
    if (!lost) return;
    isAnother = lost.what === "directory";
    if (isAnother) {
      const { reason } = lost;
      log.warn("The work directory is not as it was taken: starting over", { workdir: workdir.layout.root, reason });
    }
  }
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
): { fence: Fence; kube: Kube; tenure: Tenure } {
  const { workdir, clock, random, holder } = daemon;
  const fence = new Fence(clock);
  const guard = new ClusterGuard(workdir, {
    accepted: acceptCluster,
    mayWrite: () => fence.isOpen,
    moved: () => tenure.moved(),
    isOnlooker: dryRun,
  });
  const kube = daemon.connect({ beforeChange: fence.check, admit: guard.admit });
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

/** @param given `lost` is to be called once the work directory is not ours any more, which aborts `stopping` */
async function watch(
  daemon: Daemon,
  options: ServeOptions,
  given: {
    fence: Fence;
    kube: Kube;
    tenure: Tenure;
    terms: Terms;
    stopping: AbortSignal;
    lost: (reason: string) => void;
  },
): Promise<void> {
  const { clock, random, collect, usage } = daemon;
  const { fence, kube, tenure, terms, stopping, lost } = given;
  const { instance, concurrency, podTimeoutSeconds, imagePullGraceSeconds, dryRun = false } = options;
  const end = new AbortController();
  const workdir = daemon.workdir.fenced(fence.check);
  await workdir.prepare();
  const watching: Watching = {
    workdir,
    kube,
    clock,
    random,
    instance,
    formerInstances: readInstances(workdir).filter((name) => name !== instance),
    identity: terms.identity,
    isSoleOwner: terms.isLeased,
    suspects: new Set(),
    concurrency,
    returns: new ReturnIndex(workdir),
    podNames: new PodNames(workdir),
    stopping,
    signal: end.signal,
  };
  const runs = (name: WatcherName) => options.watchers.includes(name);
  const memory = collect && usage && new MemoryKeeper({ clock, collect, usage });
  const ended = () => memory?.look();
  const mayStep = (signal: AbortSignal) => fence.opened(signal);
  const runner = (periodMs = Infinity) => new LoopRunner({ clock, random, periodMs, ended, mayStep });
  const bystander = () => new LoopRunner({ clock, random, periodMs: Infinity, ended });
  const [requests, returned] = [runner(SCAN_EVERY_MS), runner(SCAN_EVERY_MS)];
  const [pods, nodes, expiry] = [runner(), runner(), runner()];
  const running: Promise<void>[] = [];
  const drains: (() => Promise<void>)[] = [];
  const start = (loop: Loop & { drained?: () => Promise<void> }, on: LoopRunner) => {
    running.push(options.runOnce ? once(loop, stopping) : on.run(loop, stopping));
    if (loop.drained) drains.push(() => loop.drained?.() ?? Promise.resolve());
  };

  // Watch first, then scan: what comes in between is noticed by one or the other.
  const { layout } = workdir;
  const wakes = new Map([[layout.requests, [requests]], [layout.returnRequests, [requests, returned]]]);
  if (!runs("pods")) wakes.set(layout.podsStatus, [returned]);
  workdir.files.watch([...wakes.keys()], {
    signal: stopping,
    changed: (directory) => wakes.get(directory)?.forEach((loop) => loop.wake()),
  });

  log.info("Watching", { version, workdir: layout.root, instance, watchers: options.watchers.join(",") });
  if (memory) start(memory, bystander());
  if (runs("request-machines")) start(new RequestMachinesWatcher(watching, requests.wake), requests);
  let returnsWatcher: RequestReturnMachinesWatcher | undefined;
  if (runs("request-return-machines")) {
    returnsWatcher = new RequestReturnMachinesWatcher(watching, returned.wake);
    start(returnsWatcher, returned);
    start(new ReturnAnnotationWatcher(watching), runner());
  }
  let heldDeletions: (() => number) | undefined;
  if (runs("expiry")) {
    const limits = { podTimeoutSeconds, imagePullGraceSeconds };
    const watcher = new TimeoutsWatcher(watching, { ...limits, dryRun, wake: expiry.wake });
    start(watcher, expiry);
    heldDeletions = () => watcher.held;
  }
  const followers: { readonly viewIsOurs: boolean }[] = [];
  let followed: (() => number) | undefined;
  const { watchTimeoutSeconds, relistMs } = options;
  const following = {
    clock,
    random,
    signal: stopping,
    watchTimeoutSeconds,
    ...(relistMs === undefined ? {} : { relistMs }),
  };
  if (runs("pods")) {
    if (options.retention) start(new RetentionWatcher(watching, options.retention), runner());
    const changed = (machines: string[]) => {
      returnsWatcher?.changed(machines);
      returned.wake();
    };
    const watcher = new PodsWatcher(watching, { wake: pods.wake, changed });
    start(watcher, pods);
    followers.push(watcher);
    followed = () => watcher.size;
    const source = {
      list: kube.listPods.bind(kube),
      watch: kube.watchPods.bind(kube),
      reconnect: kube.reconnect.bind(kube),
    };
    running.push(reflect(source, watcher, { ...following, labelSelector: PodLabel.request }));
  }
  if (runs("nodes")) {
    const watcher = new NodesWatcher(watching, { wake: nodes.wake });
    followers.push(watcher);
    start(watcher, nodes);
    const source = { list: kube.listNodes.bind(kube), watch: kube.watchNodes.bind(kube) };
    running.push(
      reflect(source, watcher, { ...following, longestRefusalMs: NODES_REFUSED_MS, pageLimit: NODES_IN_PAGE }),
    );
  }
  if (!dryRun) {
    start(new QuarantineWatcher(watching), runner());
    start(new TemporaryFilesWatcher(watching), runner());
  }
  const counts = { pods: followed, setAside: () => workdir.broken.size, heldDeletions };
  if (usage) start(new StatsLine({ clock, usage, ...counts }), bystander());
  if (!dryRun && !options.runOnce) {
    const { watchers } = options;
    const viewIsOurs = followers.length === 0 ? undefined : () => followers.every((follower) => follower.viewIsOurs);
    const note = (standby: string | undefined) => tenure.note(standby);
    const trouble = () => tenure.trouble;
    start(new DirectoryKeeper(daemon, { watchers, viewIsOurs, lost, note, trouble }), runner());
  }
  await Promise.all(running);
  // What is not ours any more is not ended in peace.
  await drain(drains, { clock, end, drainMs: fence.isOpen ? DRAIN_MS : 0 });
  log.info("Stopped");
}

async function once(loop: Loop, signal: AbortSignal): Promise<void> {
  const outcome = await loop.step(signal);
  if (outcome.kind === "failed" || outcome.kind === "terminal") throw outcome.error;
}

/** Lets calls under way end, and ends them when their time is over: what they were to do is done after the next start. */
async function drain(
  drains: (() => Promise<void>)[],
  { clock, end, drainMs }: { clock: Clock; end: AbortController; drainMs: number },
): Promise<void> {
  const drained = Promise.all(drains.map((drain) => drain()));
  const timer = new AbortController();
  await Promise.race([drained, clock.sleep(drainMs, timer.signal)]);
  timer.abort(NOT_NEEDED);
  end.abort();
  await drained;
}
