import { ExitCode, HostFactoryError } from "../errors.ts";
import type { KubeError } from "../kube/errors.ts";
import { reflect } from "../kube/reflector.ts";
import type { Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";
import { findLostRequest, indexesByRequest } from "../watchers/recovery/lost_request.ts";
import { instancesOnPods, isOurs, UNMARKED } from "../watchers/work/ownership.ts";
import { rememberedReturn } from "../watchers/recovery/remembered_return.ts";
import { PodsWatcher } from "../watchers/pods/watcher.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import { newIdentity, readIdentity, writeIdentity } from "../workdir/identity.ts";
import { checkInstance, recordInstance } from "../workdir/instances.ts";
import { readReturn } from "../workdir/returns.ts";
import { dependenciesOf } from "./dependencies.ts";
import { openExtensions } from "./extensions.ts";
import { connect, type Daemon, type Scope } from "./serve.ts";
import type { Tenure, Terms } from "./tenure.ts";

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

export interface RebuildOptions extends Scope {
  /** Say what is missing, and do nothing. */
  dryRun: boolean;
  /** Pods of other work directories become ours, for those will never be served again. */
  takeOver: boolean;
  signal: AbortSignal;
}

/**
 * Makes a work directory account for every pod of ours, once, as `serve` does all along.
 * @throws HostFactoryError if the directory is of another instance; with exit code 3 if another process owns it or the
 * instance; KubeError if the cluster cannot be listed
 */
export async function rebuild(daemon: Daemon, options: RebuildOptions): Promise<Rebuilt> {
  const { workdir, clock, random } = daemon;
  const { instance, acceptInstance, dryRun, signal } = options;
  if (dryRun) workdir.check({ reads: true });
  checkInstance(workdir, instance, { seen: () => instancesOnPods(workdir), accepted: acceptInstance });
  const { kube, tenure } = connect(daemon, { ...options, watchers: ["pods"] });
  const onlooker = { identity: readIdentity(workdir) ?? newIdentity(workdir), isLeased: true };
  const { identity, isLeased } = dryRun ? onlooker : await take(tenure, signal);
  try {
    const terms = { identity, isLeased: isLeased || options.takeOver };
    const given = { workdir, kube, clock, random, terms, ...openExtensions(daemon) };
    const dependencies = dependenciesOf(given, { instance, concurrency: CONCURRENCY, stopping: signal, signal });
    const pods = await list(dependencies);
    const rebuilt = describeMissing(dependencies, pods);
    if (dryRun) return rebuilt;
    await recordInstance(workdir, instance, () => instancesOnPods(workdir));
    if (options.takeOver) await recordTakenOver(dependencies, pods);
    await writeDown(dependencies, pods);
    return rebuilt;
  } finally {
    await tenure.end();
  }
}

async function take(tenure: Tenure, signal: AbortSignal): Promise<Terms> {
  try {
    return await tenure.beginNow(signal);
  } catch (error) {
    if (!(error instanceof HostFactoryError) || error.exitCode !== ExitCode.locked) throw error;
    const hint = "'hostfactory serve' rebuilds by itself, at its start and once a minute; --dry-run looks on beside it";
    throw new HostFactoryError(error.message, { hint, exitCode: ExitCode.locked, cause: error });
  }
}

/** Notes whose pods are ours from now on, lease or not. */
async function recordTakenOver({ workdir, identity, instance }: Dependencies, pods: Pod[]): Promise<void> {
  const others = pods.map(({ metadata: { labels } }) => labels).filter((labels) =>
    labels?.[PodLabel.instance] === instance
  )
    .map((labels) => labels?.[PodLabel.workdir] ?? UNMARKED).filter((id) => id !== identity.id);
  await writeIdentity(workdir, { ...identity, takenOver: [...new Set([...identity.takenOver, ...others])] });
}

/** All pods that may be ours. @throws KubeError if the cluster cannot be listed now */
async function list({ kube, clock, random, signal }: Dependencies): Promise<Pod[]> {
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

function describeMissing(dependencies: Dependencies, pods: Pod[]): Rebuilt {
  const { workdir } = dependencies;
  const { layout } = workdir;
  const hasRequest = (id: string) => workdir.kind(layout.request(id)) === "directory";
  const ours = new Map(
    pods.filter((pod) => isOurs(pod, { owner: dependencies, hasRequest })).map((pod) => [pod.metadata.name ?? "", pod]),
  );
  const requests: Rebuilt["requests"] = [];
  for (const [id, indexes] of indexesByRequest(ours.keys())) {
    const missing = findLostRequest(workdir, { id, indexes, podOf: (machine) => ours.get(machine) });
    if (!missing) continue;
    requests.push(
      missing.kind === "rebuild"
        ? { requestId: id, whole: true, machines: missing.machines.length, lost: missing.lost.length, strays: 0 }
        : { requestId: id, whole: false, machines: missing.enter.length, lost: 0, strays: missing.strays.length },
    );
  }
  const returned = new Set([...ours.values()].flatMap((pod) => rememberedReturn(pod, dependencies)?.id ?? []));
  const returns = [...returned].filter((id) => !readReturn(workdir, id));
  return { pods: ours.size, requests, returns };
}

/** Everything that a watcher of pods writes after a LIST. */
async function writeDown(dependencies: Dependencies, pods: Pod[]): Promise<void> {
  const { clock, kube, signal } = dependencies;
  const watcher = new PodsWatcher(dependencies, { wake: () => {}, changed: () => {} });
  const take = (listed: Pod[]) => {
    watcher.begin();
    watcher.page(listed);
    watcher.heard();
    return watcher.complete();
  };
  if (take(pods) === "doubted") {
    kube.reconnect();
    take(await list(dependencies));
  }
  while (!watcher.isCaughtUp) {
    const outcome = await watcher.step(signal);
    signal.throwIfAborted();
    const restMs = outcome.kind === "again" ? outcome.atMs - clock.monotonic() : 0;
    if (restMs > 0 && !watcher.isCaughtUp) await clock.sleep(restMs, signal);
  }
  await watcher.step(signal); // The view.
}
