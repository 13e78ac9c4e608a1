import type { Pod } from "../../src/kube/types.ts";
import { integerBetween, type Random, seededRandom } from "../../src/random.ts";
import { PodLabel } from "../../src/templates/podspec.ts";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import type { Site } from "../support/site.ts";
import { Daemon } from "./daemon.ts";
import { ServeLogin } from "./serve_login.ts";
import type { ControlPlane } from "./control_plane.ts";
import { isOurs } from "./ours.ts";
import { Symphony } from "./symphony.ts";
import { type Trouble, troublesOf } from "./troubles.ts";

/** How long, in seconds, the system may take to settle once nothing goes wrong any more. */
const SETTLE_SECONDS = 300;

/** Troubles under way at once, at most. */
const AT_ONCE = 3;

export interface ChaosResult {
  violations: string[];
  /** How often each trouble struck. */
  struck: Map<string, number>;
  machines: number;
  calls: number;
  settledSeconds: number;
}

/**
 * Runs the product on a real API server while everything goes wrong, then lets it settle, and looks whether anything was
 * lost, doubled or left behind.
 * @param options `plane` where the cluster is ours to break; `say` is told what happens
 */
export async function chaos(
  site: Site & { cluster: Cluster },
  options: { minutes: number; seed: number; plane: ControlPlane | undefined; say: (text: string) => void },
): Promise<ChaosResult> {
  const { minutes, seed, plane, say } = options;
  const violations: string[] = [];
  const startedMs = performance.now();
  const at = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  const violation = (text: string) => {
    violations.push(`${at()}: ${text}`);
    say(`${at()}: VIOLATION: ${text}`);
  };
  const { cluster } = site;
  const daemon = new Daemon(site, { violation });
  const login = new ServeLogin(cluster, {
    write: (kubeconfig) => {
      site.write(".kubeconfig", kubeconfig);
      Deno.renameSync(`${site.directory}/.kubeconfig`, `${site.directory}/kubeconfig`);
    },
    certificate: await plane?.user("hostfactory"),
  });
  await login.start();
  const symphony = new Symphony(site, { random: seededRandom(seed), violation });
  const random = seededRandom(seed + 1);
  const truth = new Truth(cluster, { violation });
  const strangers = await Promise.all([strangersPod(), othersPod()].map((pod) => cluster.createPod(pod)));
  const troubledNodes = new Set<string>();
  const troubles = troublesOf({ cluster, daemon, login, random, troubledNodes, plane });
  daemon.start();

  const end = AbortSignal.timeout(minutes * 60_000);
  const isOver = () => end.aborted;
  const struck = new Map<string, number>();
  await Promise.all([
    repeat(isOver, async () => {
      daemon.check();
      for (const machine of await symphony.act()) void truth.confirmGoing(machine, troubledNodes);
      await pause(integerBetween(random, 20, 300));
    }),
    repeat(isOver, async () => {
      await truth.look();
      await pause(1_000);
    }),
    trouble(troubles, { random, isOver, struck, say: (text) => say(`${at()}: ${text}`), violation }),
  ]);

  say(`${at()}: nothing goes wrong any more`);
  const settlingMs = performance.now();
  daemon.start();
  await Promise.all([...truth.confirming]);
  await settle(symphony, { cluster, truth, violation, strangers });
  const settledSeconds = (performance.now() - settlingMs) / 1000;
  daemon.check();
  await daemon.end("SIGTERM");
  leftBehind(site, violation);
  const machines = [...symphony.requests.values()].reduce((sum, { count }) => sum + count, 0);
  return { violations, struck, machines, calls: symphony.calls, settledSeconds };
}

/** Lets one trouble after the other begin and end, until it is over and all have ended. */
async function trouble(
  troubles: Trouble[],
  options: {
    random: Random;
    isOver: () => boolean;
    struck: Map<string, number>;
    say: (text: string) => void;
    violation: (text: string) => void;
  },
): Promise<void> {
  const { random, isOver, struck, say, violation } = options;
  const underWay = new Map<Trouble["ground"], Promise<void>>();
  while (!isOver()) {
    const free = troubles.filter(({ ground }) => !underWay.has(ground));
    const next = free[integerBetween(random, 0, free.length - 1)];
    if (next && underWay.size < AT_ONCE) {
      struck.set(next.name, (struck.get(next.name) ?? 0) + 1);
      const run = suffer(next, { random, isOver, say, violation }).finally(() => underWay.delete(next.ground));
      underWay.set(next.ground, run);
    }
    await pause(integerBetween(random, 300, 3_000));
  }
  await Promise.all(underWay.values());
}

/** One trouble, from its beginning to its end; what it needs of the cluster may itself be away for a while. */
async function suffer(
  { name, strike }: Trouble,
  { random, isOver, say, violation }: {
    random: Random;
    isOver: () => boolean;
    say: (text: string) => void;
    violation: (text: string) => void;
  },
): Promise<void> {
  let relieve: (() => Promise<void>) | void;
  try {
    relieve = await strike();
  } catch (error) {
    return say(`${name}: could not be done now: ${firstLine(error)}`);
  }
  say(name);
  if (!relieve) return;
  const untilMs = performance.now() + integerBetween(random, 500, 12_000);
  while (performance.now() < untilMs && !isOver()) await pause(100);
  const end = relieve;
  try {
    await eventually(`the end of '${name}'`, () => end().then(() => true), { seconds: 300, everyMs: 1_000 });
    say(`${name}: over`);
  } catch (error) {
    violation(`the test could not end a trouble: ${error}`);
  }
}

/** For how long, in milliseconds, a pod may be there before any serve runs that can list it. */
const UNKNOWN_MS = 30_000;

/** What the cluster itself says, looked at as an administrator whenever it answers. */
class Truth {
  readonly #cluster: Cluster;
  readonly #violation: (text: string) => void;
  /** By machine, the pod that it has or had, and how long that was seen, in milliseconds. */
  readonly #pods = new Map<string, { uid: string; sinceMs: number; seenMs: number }>();
  readonly confirming = new Set<Promise<void>>();

  constructor(cluster: Cluster, options: { violation: (text: string) => void }) {
    this.#cluster = cluster;
    this.#violation = options.violation;
  }

  /**
   * No machine has a second pod once anybody can know of the first: one that was created right before serve was killed, and
   * taken away before the next one looked, has left no trace.
   */
  async look(): Promise<void> {
    let pods: Map<string, Pod>;
    try {
      pods = await this.#cluster.pods();
    } catch {
      return; // The API server is away: that is what this is about.
    }
    for (const [name, pod] of pods) {
      if (!isOurs(pod)) continue;
      const { uid = "" } = pod.metadata;
      const now = performance.now();
      const before = this.#pods.get(name) ?? { uid, sinceMs: now, seenMs: now };
      const lastedMs = before.seenMs - before.sinceMs;
      if (before.uid !== uid && lastedMs > UNKNOWN_MS) this.#violation(`${name} has got a second pod`);
      this.#pods.set(name, before.uid === uid ? { ...before, seenMs: now } : { uid, sinceMs: now, seenMs: now });
    }
  }

  /** A machine that is said to be gone or going is so in the cluster, as soon as that can be asked. */
  confirmGoing(machine: string, troubledNodes: ReadonlySet<string>): Promise<void> {
    const confirmed = eventually(
      `the truth about ${machine}`,
      async () => ({ pod: (await this.#cluster.pods()).get(machine) }),
      {
        seconds: 300,
        everyMs: 500,
      },
    ).then(({ pod }) => {
      const phase = pod?.status?.phase ?? "";
      const isGoing = !pod || pod.metadata.deletionTimestamp || ["Failed", "Succeeded"].includes(phase) ||
        troubledNodes.has(pod.spec.nodeName ?? "");
      if (!isGoing) this.#violation(`${machine} is said to be gone or going, and its pod is ${phase}`);
    }).catch((error) => this.#violation(String(error)));
    this.confirming.add(confirmed);
    return confirmed;
  }
}

/** Everything has to come to its end, and files, answers and cluster have to agree. */
async function settle(
  symphony: Symphony,
  { cluster, truth, violation, strangers }: {
    cluster: Cluster;
    truth: Truth;
    violation: (text: string) => void;
    strangers: Pod[];
  },
): Promise<void> {
  let open: string[] = [];
  const isSettled = async () => (open = await symphony.unsettled()).length === 0;
  try {
    await eventually("every request has ended", isSettled, { seconds: SETTLE_SECONDS, everyMs: 1_000 });
  } catch {
    for (const id of open) violation(`request ${id} has not ended`);
  }
  // What the cluster took away Symphony gives back, as it does with what is named to it.
  try {
    await eventually("answers and cluster agree", async () => {
      await symphony.askForReturns();
      await symphony.poll();
      return disagreements(symphony, await cluster.pods()).length === 0;
    }, { seconds: 120, everyMs: 1_000 });
  } catch {
    for (const text of disagreements(symphony, await cluster.pods())) violation(text);
  }
  const everything = [...symphony.requests.values()].flatMap(({ settled }) => settled?.machines ?? [])
    .map(({ name }) => name).filter((name) => !symphony.returned.has(name));
  await symphony.giveBack(everything);
  try {
    await eventually("everything is given back", isSettled, { seconds: SETTLE_SECONDS, everyMs: 1_000 });
  } catch {
    for (const id of open) violation(`request ${id} has not ended after everything was given back`);
  }
  await truth.look();
  const pods = await cluster.pods();
  for (const [name, pod] of pods) if (isOurs(pod)) violation(`pod ${name} is left behind, ${pod.status?.phase}`);
  for (const { metadata } of strangers) {
    const { uid, deletionTimestamp } = pods.get(metadata.name ?? "")?.metadata ?? {};
    if (uid !== metadata.uid || deletionTimestamp) violation(`pod ${metadata.name} is not ours, and was touched`);
  }
}

/** Where what Symphony was told differs from what the cluster has. */
function disagreements(symphony: Symphony, pods: Map<string, Pod>): string[] {
  const found: string[] = [];
  const known = new Set<string>();
  for (const { id, settled } of symphony.requests.values()) {
    for (const { name, result, status, machineId, message } of settled?.machines ?? []) {
      known.add(name);
      const pod = pods.get(name);
      const isUp = pod !== undefined && pod.metadata.deletionTimestamp === undefined && pod.status?.phase === "Running";
      const saysUp = result === "succeed" && status === "running";
      if (isUp !== saysUp) {
        found.push(
          `${name} of ${id}: Symphony was told ${result} ${status} (${message}), and it is ${isUp ? "up" : "not"}`,
        );
      }
      if (isUp && pod?.metadata.uid !== machineId) found.push(`${name}: Symphony was told of another pod`);
      if (isUp && symphony.returned.has(name)) found.push(`${name} was given back, and runs`);
      if (pod && symphony.returned.has(name)) found.push(`${name} was given back, and its pod is there`);
    }
  }
  for (const [name, pod] of pods) if (isOurs(pod) && !known.has(name)) found.push(`pod ${name} is no one's`);
  return found;
}

/** What a killed process left under a hidden name is swept within minutes; anything else is for ever. */
function leftBehind(site: Site, violation: (text: string) => void): void {
  for (const directory of ["requests", "return-requests"]) {
    for (const id of site.entries(directory)) {
      if (id.startsWith(".")) continue;
      const entries = [...Deno.readDirSync(`${site.workdir}/${directory}/${id}`)];
      if (!entries.some(({ name }) => name === ".processed")) violation(`${directory}/${id} is not handled`);
    }
  }
  for (const pod of site.entries("pods")) if (!pod.startsWith(".")) violation(`pods/${pod} is left behind`);
}

/** A pod that has nothing to do with us; on no node, so that nothing happens to it by itself. */
function strangersPod(): object {
  return {
    metadata: { name: "stranger", labels: { app: "stranger" } },
    spec: { nodeSelector: { nowhere: "at-all" }, containers: [{ name: "c", image: "i" }] },
  };
}

/** A machine of another provider instance in the same namespace. */
function othersPod(): object {
  const name = "others-0";
  const labels = { app: name, [PodLabel.request]: "others", [PodLabel.instance]: "another" };
  return { ...strangersPod(), metadata: { name, labels } };
}

async function repeat(isOver: () => boolean, act: () => Promise<void>): Promise<void> {
  while (!isOver()) await act();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function firstLine(error: unknown): string {
  return String(error).split("\n")[0]?.slice(0, 200) ?? "";
}
