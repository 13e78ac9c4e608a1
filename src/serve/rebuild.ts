import { ExitCode, HostFactoryError } from "../errors.ts";
import type { KubeError } from "../kube/errors.ts";
import { reflect } from "../kube/reflector.ts";
import type { Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";
import { findMissing, indexesByRequest } from "../watchers/missing.ts";
import { instancesOnPods, isOurs } from "../watchers/ownership.ts";
import { returnMemoryOf } from "../watchers/pod_memory.ts";
import { PodsWatcher } from "../watchers/pods.ts";
import type { Watching } from "../watchers/watching.ts";
import { readInstances, recordInstance } from "../workdir/instances.ts";
import { ReturnIndex } from "../workdir/return_index.ts";
import { readReturn } from "../workdir/returns.ts";
import type { Daemon } from "./serve.ts";

/** Calls under way at once. */
const CONCURRENCY = 32;

/** What a work directory lacked, and has by now unless that was not wanted. */
export interface Rebuilt {
  /** Pods of ours that the cluster has. */
  pods: number;
  requests: {
    requestId: string;
    /** The request itself was missing; else some of its entries were. */
    whole: boolean;
    /** Machines with pods that were put back. */
    machines: number;
    /** Machines that had no pod, and have failed. */
    lost: number;
    /** Pods that none of its machines can have: they are deleted after a grace. */
    strays: number;
  }[];
  /** Return requests that were missing. */
  returns: string[];
}

/**
 * Makes a work directory account for every pod of ours, once, as `serve` does all along.
 * @param options `dryRun` says what is missing, and does nothing
 * @throws HostFactoryError with exit code 3 where a watcher of pods does that already; KubeError where the cluster cannot be
 * listed
 */
export async function rebuild(
  daemon: Daemon,
  { instance, dryRun, signal }: { instance: string; dryRun: boolean; signal: AbortSignal },
): Promise<Rebuilt> {
  const { workdir } = daemon;
  if (dryRun) workdir.check({ reads: true });
  const release = dryRun ? undefined : take(daemon);
  try {
    if (!dryRun) recordInstance(workdir, instance, () => instancesOnPods(workdir));
    const watching: Watching = {
      ...daemon,
      instance,
      formerInstances: readInstances(workdir).filter((name) => name !== instance),
      returns: new ReturnIndex(workdir),
      concurrency: CONCURRENCY,
      stopping: signal,
      signal,
    };
    const pods = await list(watching);
    const rebuilt = describeMissing(watching, pods);
    if (!dryRun) await writeDown(watching, pods);
    return rebuilt;
  } finally {
    release?.();
  }
}

function take({ workdir, locks, holder }: Daemon): () => void {
  workdir.prepare();
  try {
    return locks.take(workdir, "pods", holder);
  } catch (error) {
    if (!(error instanceof HostFactoryError) || error.exitCode !== ExitCode.locked) throw error;
    const hint = "it rebuilds by itself, at its start and once a minute; --dry-run looks on beside it";
    throw new HostFactoryError(error.message, { hint, exitCode: ExitCode.locked, cause: error });
  }
}

/** All pods that may be ours. @throws KubeError where the cluster cannot be listed now */
async function list({ kube, clock, random, signal }: Watching): Promise<Pod[]> {
  const done = new AbortController();
  const stop = () => done.abort();
  signal.addEventListener("abort", stop, { once: true });
  let pods: Pod[] = [];
  let failure: KubeError | undefined;
  const sink = {
    begin: () => pods = [],
    page: (page: Pod[]) => pods.push(...page),
    complete: stop,
    event() {},
    heard() {},
    failed(error: KubeError) {
      failure = error;
      stop();
    },
  };
  const source = { list: kube.listPods.bind(kube), watch: kube.watchPods.bind(kube) };
  await reflect(source, sink, { clock, random, signal: done.signal, labelSelector: PodLabel.request });
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (failure) throw failure;
  return pods;
}

function describeMissing({ workdir, ...instances }: Watching, pods: Pod[]): Rebuilt {
  const { layout } = workdir;
  const hasRequest = (id: string) => workdir.kind(layout.request(id)) === "directory";
  const ours = new Map(
    pods.filter((pod) => isOurs(pod, { instances, hasRequest })).map((pod) => [pod.metadata.name ?? "", pod]),
  );
  const requests: Rebuilt["requests"] = [];
  for (const [id, indexes] of indexesByRequest(ours.keys())) {
    const missing = findMissing(workdir, { id, indexes, podOf: (machine) => ours.get(machine) });
    if (!missing) continue;
    requests.push(
      missing.kind === "rebuild"
        ? { requestId: id, whole: true, machines: missing.machines.length, lost: missing.lost.length, strays: 0 }
        : { requestId: id, whole: false, machines: missing.enter.length, lost: 0, strays: missing.strays.length },
    );
  }
  const returned = new Set([...ours.values()].flatMap((pod) => returnMemoryOf(pod)?.id ?? []));
  const returns = [...returned].filter((id) => !readReturn(workdir, id));
  return { pods: ours.size, requests, returns };
}

/** Everything that a watcher of pods writes after a LIST. */
async function writeDown(watching: Watching, pods: Pod[]): Promise<void> {
  const { clock, signal } = watching;
  const watcher = new PodsWatcher(watching, { wake: () => {}, changed: () => {} });
  watcher.begin();
  watcher.page(pods);
  watcher.heard();
  watcher.complete();
  while (!watcher.isCaughtUp) {
    const outcome = await watcher.step(signal);
    signal.throwIfAborted();
    const restMs = outcome.kind === "again" ? outcome.atMs - clock.monotonic() : 0;
    if (restMs > 0 && !watcher.isCaughtUp) await clock.sleep(restMs, signal);
  }
  await watcher.step(signal); // The view.
}
