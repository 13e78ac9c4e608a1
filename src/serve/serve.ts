import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import { reflect } from "../kube/reflector.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { PodLabel } from "../templates/podspec.ts";
import { version } from "../version.ts";
import { backoffMs } from "../watchers/backoff.ts";
import { ExpiryWatcher } from "../watchers/expiry.ts";
import { LeftoversSweeper } from "../watchers/leftovers.ts";
import type { Loop } from "../watchers/outcome.ts";
import { NodesWatcher } from "../watchers/nodes.ts";
import { instancesOnPods } from "../watchers/ownership.ts";
import type { RetentionLimits } from "../watchers/past.ts";
import { PodsWatcher } from "../watchers/pods.ts";
import { RequestMachinesWatcher } from "../watchers/request_machines.ts";
import { RequestReturnMachinesWatcher } from "../watchers/request_return_machines.ts";
import { RetentionWatcher } from "../watchers/retention.ts";
import { SetAside } from "../watchers/set_aside.ts";
import { ReturnMarker } from "../watchers/return_marker.ts";
import type { Watching } from "../watchers/watching.ts";
import { readInstances, recordInstance } from "../workdir/instances.ts";
import type { LockHolder, Locks } from "../workdir/lock.ts";
import { ReturnIndex } from "../workdir/return_index.ts";
import type { Workdir } from "../workdir/workdir.ts";
import { DirectoryKeeper } from "./directory_keeper.ts";
import { LoopRunner } from "./loop_runner.ts";
import { type Collect, MemoryKeeper } from "./memory.ts";
import { Pulse, type Usage } from "./pulse.ts";

/** The watchers that can run alone or together; each has a lock of its own. */
export const WATCHERS = ["request-machines", "request-return-machines", "pods", "nodes", "expiry"] as const;
export type WatcherName = typeof WATCHERS[number];

/** What a daemon stands on. */
export interface Daemon {
  workdir: Workdir;
  kube: Kube;
  clock: Clock;
  random: Random;
  locks: Locks;
  holder: LockHolder;
  /** Collects garbage at once, where that can be had. */
  collect?: Collect | undefined;
  /** The memory that the process holds, where a line a minute is to tell how it is. */
  usage?: () => Usage;
}

export interface ServeOptions {
  watchers: readonly WatcherName[];
  instance: string;
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

/** How long, in milliseconds, calls under way may take to end once the daemon is to stop. */
const DRAIN_MS = 8_000;

const log = logger("serve");

/**
 * Runs watchers over one work directory until `stopping` aborts, and then ends what is under way, within ten seconds. Where
 * the directory is lost meanwhile, all starts over in a new one.
 * @throws HostFactoryError with exit code 3 where another process watches the same
 */
export async function serve(daemon: Daemon, options: ServeOptions, stopping: AbortSignal): Promise<void> {
  let release: (() => void) | undefined = take(daemon, options);
  while (release) {
    let lostBecause: string | undefined;
    const end = new AbortController();
    const stop = () => end.abort(NOT_NEEDED);
    stopping.addEventListener("abort", stop, { once: true });
    if (stopping.aborted) stop();
    const lost = (reason: string) => {
      lostBecause = reason;
      stop();
    };
    try {
      await watch(daemon, options, { stopping: end.signal, lost });
    } finally {
      stopping.removeEventListener("abort", stop);
      release();
    }
    if (stopping.aborted || lostBecause === undefined) return;
    const workdir = daemon.workdir.layout.root;
    log.warn("The work directory is not as it was taken: starting over", { workdir, reason: lostBecause });
    release = await takeAgain(daemon, options, stopping);
  }
}

/**
 * Makes the work directory ours.
 * @param isAnother it is not the one that was ours: its views say nothing of the cluster
 * @returns how to release it
 */
function take(
  { workdir, locks, holder }: Daemon,
  { watchers, instance, dryRun = false }: ServeOptions,
  { isAnother = false } = {},
): () => void {
  workdir.prepare();
  const releases: (() => void)[] = [];
  const release = () => releases.forEach((release) => release());
  try {
    // A dry run changes nothing, and may look on beside whoever does.
    for (const watcher of dryRun ? [] : watchers) releases.push(locks.take(workdir, watcher, holder));
    for (const watcher of isAnother ? watchers : []) workdir.remove(workdir.layout.view(watcher));
    if (!dryRun) recordInstance(workdir, instance, () => instancesOnPods(workdir));
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/** As `take`, as soon as that is possible; nothing where the daemon is to stop before. */
async function takeAgain(
  daemon: Daemon,
  options: ServeOptions,
  stopping: AbortSignal,
): Promise<(() => void) | undefined> {
  for (let failures = 1; !stopping.aborted; failures++) {
    try {
      return take(daemon, options, { isAnother: true });
    } catch (error) {
      if (error instanceof HostFactoryError && error.exitCode === ExitCode.locked) throw error;
      const delayMs = backoffMs(failures, daemon.random);
      log.error("Work directory not usable yet", { error: describeError(error), retryMs: Math.round(delayMs) });
      await daemon.clock.sleep(delayMs, stopping).catch(() => {});
    }
  }
  return undefined;
}

/** @param options `lost` is to be called where the work directory is not ours any more, which aborts `stopping` */
async function watch(
  daemon: Daemon,
  options: ServeOptions,
  { stopping, lost }: { stopping: AbortSignal; lost: (reason: string) => void },
): Promise<void> {
  const { workdir, kube, clock, random } = daemon;
  const { instance, concurrency, podTimeoutSeconds, imagePullGraceSeconds, dryRun = false } = options;
  const end = new AbortController();
  const returns = new ReturnIndex(workdir);
  const watching: Watching = {
    workdir,
    kube,
    clock,
    random,
    instance,
    formerInstances: readInstances(workdir).filter((name) => name !== instance),
    concurrency,
    returns,
    stopping,
    signal: end.signal,
  };
  const runs = (name: WatcherName) => options.watchers.includes(name);
  const { collect, usage } = daemon;
  const memory = collect && usage && new MemoryKeeper({ clock, collect, usage });
  const ended = () => memory?.look();
  const runner = (periodMs = Infinity) => new LoopRunner({ clock, random, periodMs, ended });
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
  if (memory) start(memory, runner());
  if (runs("request-machines")) start(new RequestMachinesWatcher(watching, requests.wake), requests);
  if (runs("request-return-machines")) {
    start(new RequestReturnMachinesWatcher(watching, returned.wake), returned);
    start(new ReturnMarker(watching), runner());
  }
  if (runs("expiry")) {
    const limits = { podTimeoutSeconds, imagePullGraceSeconds };
    start(new ExpiryWatcher(watching, { ...limits, dryRun, wake: expiry.wake }), expiry);
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
    const watcher = new PodsWatcher(watching, { wake: pods.wake, changed: returned.wake });
    start(watcher, pods);
    followers.push(watcher);
    followed = () => watcher.size;
    const source = { list: kube.listPods.bind(kube), watch: kube.watchPods.bind(kube) };
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
    start(new SetAside(watching), runner());
    start(new LeftoversSweeper(watching), runner());
  }
  const setAside = () => workdir.broken.size;
  if (usage) start(new Pulse({ clock, usage, pods: followed, setAside }), runner());
  if (!dryRun && !options.runOnce) {
    const { watchers } = options;
    const viewIsOurs = followers.length === 0 ? undefined : () => followers.every((follower) => follower.viewIsOurs);
    start(new DirectoryKeeper(daemon, { watchers, viewIsOurs, lost }), runner());
  }
  await Promise.all(running);
  await drain(drains, { clock, end });
  log.info("Stopped");
}

async function once(loop: Loop, signal: AbortSignal): Promise<void> {
  const outcome = await loop.step(signal);
  if (outcome.kind === "failed" || outcome.kind === "terminal") throw outcome.error;
}

/** Lets calls under way end, and ends them when their time is over: what they were to do is done after the next start. */
async function drain(
  drains: (() => Promise<void>)[],
  { clock, end }: { clock: Clock; end: AbortController },
): Promise<void> {
  const drained = Promise.all(drains.map((drain) => drain()));
  const timer = new AbortController();
  await Promise.race([drained, clock.sleep(DRAIN_MS, timer.signal)]);
  timer.abort(NOT_NEEDED);
  end.abort();
  await drained;
}
