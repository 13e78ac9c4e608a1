import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { parseMachineName } from "../hf/names.ts";
import { nearestName } from "../nearest_name.ts";
import { KubeError } from "../kube/errors.ts";
import { connectKube, type ConnectOptions } from "../kube/connect.ts";
import type { Kube } from "../kube/kube.ts";
import { listPages } from "../kube/list_pages.ts";
import type { Pod } from "../kube/types.ts";
import { integerBetween, type Random } from "../random.ts";
import { PodLabel } from "../templates/podspec.ts";
import { readPodFacts } from "../workdir/pod_file.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { openForReading } from "./open_picture.ts";

/** What is needed to choose and remove pods. */
export interface DisruptionContext {
  kube: Kube;
  clock: Clock;
  random: Random;
  /** Only pods whose uids it knows are touched, so that a wrong cluster or namespace costs no pods. */
  workdir: Workdir;
  instance: string;
  signal: AbortSignal;
}

/**
 * The cluster and the work directory that the configuration names.
 * @throws HostFactoryError if that is not to be trusted
 */
export function openDisruption(
  config: Config,
  world: Pick<ConnectOptions, "environment" | "files" | "clock"> & { random: Random; signal: AbortSignal },
): DisruptionContext {
  const { proxy, namespace, kubeconfig, instance } = config;
  const { workdir } = openForReading(config, world);
  return { ...world, workdir, kube: connectKube({ ...world, proxy, namespace, kubeconfig }), instance };
}

/** How pods are removed. */
export interface DisruptionOptions {
  /** How often the cluster is asked whether the pods are gone, in seconds. */
  sleepSeconds: number;
  /** How long all of it may take, in seconds. */
  timeoutSeconds: number;
  /** Called with a sentence without a full stop on how many pods are left and why, whenever that changes. */
  told: (news: string) => void;
}

/** A pod that is to be removed. */
export interface ChosenPod {
  name: string;
  uid: string;
  node: string;
}

/**
 * Pods of the provider instance, by name or drawn at random.
 * @param options `names`: these pods; `count`: how many, 0 for all
 * @throws HostFactoryError if one of `names` is not a pod of ours, or there are fewer than `count`
 */
export async function choosePods(
  context: DisruptionContext,
  { names, count }: { names: readonly string[]; count: number },
): Promise<ChosenPod[]> {
  const pods = await ownPods(context);
  if (names.length > 0) {
    const byName = new Map(pods.map((pod) => [pod.name, pod]));
    return names.map((name) => byName.get(name) ?? notOurs("pod", name, { ...context, known: byName.keys() }));
  }
  return drawn(context, pods, { count, what: "pod" });
}

/** The pods of the provider instance that are on nodes, by their names or drawn at random: see `choosePods`. */
export async function choosePodsOnNodes(
  context: DisruptionContext,
  { names, count }: { names: readonly string[]; count: number },
): Promise<ChosenPod[]> {
  const pods = (await ownPods(context)).filter(({ node }) => node !== "");
  const nodes = [...new Set(pods.map(({ node }) => node))].sort();
  for (const name of names) if (!nodes.includes(name)) notOurs("node", name, { ...context, known: nodes });
  const chosen = new Set(names.length > 0 ? names : drawn(context, nodes, { count, what: "node" }));
  return pods.filter(({ node }) => chosen.has(node));
}

/** The pods that may be chosen: those that are not being deleted already. */
async function ownPods(context: DisruptionContext): Promise<ChosenPod[]> {
  const isKnown = (name: string, uid: string) =>
    parseMachineName(name) !== undefined && readPodFacts(context.workdir, name)?.uid === uid;
  const pods = await listOwn(context);
  return pods.flatMap(({ metadata: { name = "", uid = "", deletionTimestamp }, spec }) =>
    deletionTimestamp === undefined && isKnown(name, uid) ? [{ name, uid, node: spec.nodeName ?? "" }] : []
  ).sort((one, other) => one.name < other.name ? -1 : 1);
}

/** Every pod of the instance. Checks the labels itself instead of trusting the server's selection. */
async function listOwn({ kube, instance, signal }: DisruptionContext): Promise<Pod[]> {
  const labelSelector = `${PodLabel.instance}=${instance}`;
  const source = { list: kube.listPods.bind(kube), watch: kube.watchPods.bind(kube) };
  const pods: Pod[] = [];
  for await (const { items } of listPages(source, { labelSelector, limit: 500, signal })) {
    pods.push(...items.filter(({ metadata }) => metadata.labels?.[PodLabel.instance] === instance));
  }
  return pods;
}

function drawn<T>(
  { random, workdir }: DisruptionContext,
  all: readonly T[],
  { count, what }: { count: number; what: string },
): T[] {
  if (count === 0) return [...all];
  if (count > all.length) {
    const there = all.length === 0 ? "is none" : all.length === 1 ? "is one" : `are ${all.length}`;
    throw new HostFactoryError(
      `Cannot choose ${count} ${count === 1 ? what : `${what}s`}: there ${there} that '${workdir.layout.root}' knows`,
      { hint: "--count 0 means all; the work directory is the one that is served, which --workdir names" },
    );
  }
  const left = [...all];
  return Array.from({ length: count }, () => left.splice(integerBetween(random, 0, left.length - 1), 1)[0]!);
}

function notOurs(
  what: string,
  name: string,
  { workdir, instance, known }: DisruptionContext & { known: Iterable<string> },
): never {
  const mayBeOurs = what === "pod" && parseMachineName(name) !== undefined;
  if (mayBeOurs && readPodFacts(workdir, name)?.deletionAt !== undefined) {
    throw new HostFactoryError(`Pod '${name}' is being deleted already`, { hint: `see 'hostfactory explain ${name}'` });
  }
  const near = nearestName(name, known);
  const ours = `the pods of instance '${instance}' that '${workdir.layout.root}' knows`;
  throw new HostFactoryError(
    what === "pod"
      ? `Cannot find pod '${name.slice(0, 80)}' among ${ours}`
      : `Cannot find node '${name.slice(0, 80)}' among those of ${ours}`,
    {
      hint: near === undefined
        ? "'hostfactory admin list-machines --output wide' shows them; see --workdir, --namespace and --kubeconfig, too"
        : `did you mean '${near}'?`,
    },
  );
}

/**
 * Deletes these pods and waits until they are gone.
 * @returns how many are gone
 * @throws HostFactoryError if that takes too long
 */
export function deleteChosen(
  context: DisruptionContext,
  chosen: readonly ChosenPod[],
  options: DisruptionOptions,
): Promise<number> {
  const { kube, signal } = context;
  const ask = ({ name, uid }: ChosenPod) => kube.deletePod(name, { uid, signal });
  return disrupt(context, chosen, { ...options, ask });
}

/**
 * As `deleteChosen`, but by evictions. If a disruption budget refuses, tries again for as long as there is time.
 * @param options `cordons`: first cordon the nodes that the pods are on (false)
 */
export async function evictChosen(
  context: DisruptionContext,
  chosen: readonly ChosenPod[],
  { cordons = false, ...options }: DisruptionOptions & { cordons?: boolean },
): Promise<number> {
  const { kube, signal } = context;
  const nodes = new Set(cordons ? chosen.map(({ node }) => node) : []);
  for (const node of nodes) await kube.cordonNode(node, { signal });
  const ask = ({ name, uid }: ChosenPod) => kube.evictPod(name, { uid, signal });
  return await disrupt(context, chosen, { ...options, ask });
}

async function disrupt(
  context: DisruptionContext,
  chosen: readonly ChosenPod[],
  { ask, sleepSeconds, timeoutSeconds, told }: DisruptionOptions & {
    /** Asks for the pod's deletion or eviction, which a disruption budget may refuse for now. */
    ask: (pod: ChosenPod) => Promise<void>;
  },
): Promise<number> {
  const { clock, signal } = context;
  const untilMs = clock.monotonic() + timeoutSeconds * 1_000;
  let refused = "", said = "";
  let unasked = [...chosen];
  for (;;) {
    const again: ChosenPod[] = [];
    for (const pod of unasked) {
      const why = await whyRefused(() => ask(pod));
      if (why === undefined) continue;
      refused = why;
      again.push(pod);
    }
    unasked = again;
    const there = new Set((await listOwn(context)).map(({ metadata }) => metadata.uid));
    const left = chosen.filter(({ uid }) => there.has(uid));
    if (left.length === 0) return chosen.length;
    const why = unasked.length > 0 ? `: ${refused}` : "";
    const news = `${left.length} of ${chosen.length} pods still there${why}`;
    if (news !== said) told(news);
    said = news;
    const leftMs = untilMs - clock.monotonic();
    if (leftMs <= 0) {
      const message = `Not gone after ${timeoutSeconds} s: ${left.length} of ${chosen.length} pods, such as '${
        left[0]?.name
      }'`;
      throw new HostFactoryError(`${message}${why}`, {
        hint: "give more time with --timeout, or see 'kubectl describe pod'",
      });
    }
    await clock.sleep(Math.min(sleepSeconds * 1_000, leftMs), signal);
  }
}

/** Why the pod cannot go yet; `undefined` if it is gone already, or another pod has its name by now. */
async function whyRefused(ask: () => Promise<void>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.kind === "throttled") return describeError(error);
    if (error.kind === "notFound" || error.kind === "conflict") return undefined;
    throw error;
  }
}
