import { integerBetween, type Random } from "../../src/random.ts";
import { machineName } from "../../src/hf/names.ts";
import { FIELD_MANAGER } from "../../src/kube/field_manager.ts";
import type { Pod } from "../../src/kube/types.ts";
import type { FaultInput } from "../../src/simulator/faults/faults.ts";
import { PodLabel, REQUEST_ANNOTATION, type RequestMemory } from "../../src/templates/podspec.ts";
import { happens, magnitude, oneOf } from "./chance.ts";
import { type DeedKind, fault, share, toPod } from "./deed_kinds.ts";
import { EXTENSIONS, HOOK_TROUBLES } from "./extensions.ts";
import { aWhile, type Simulation } from "./simulation.ts";
import { NAMESPACE } from "./truth.ts";
import { WORLD_DEEDS } from "./world_deeds.ts";

const smallPages = (random: Random): FaultInput => ({ name: "small-pages", items: integerBetween(random, 1, 3) });

const at = { namespace: NAMESPACE };

/** Everything that can happen. */
export const DEEDS = {
  ask: { what: "Symphony asks for machines", act: (simulation, random) => simulation.symphony.ask(random) },
  giveBack: {
    what: "Symphony gives machines back",
    act: (simulation, random) => simulation.symphony.giveBack(random),
  },
  giveBackOthers: {
    what: "Symphony gives back a machine that another instance has made",
    async act(simulation, random) {
      const requestId = `others${integerBetween(random, 0, 9)}`;
      simulation.truth.asOutsider(() => makeOthers(simulation, requestId));
      await simulation.symphony.giveBackThese([`${requestId}-0`]);
    },
  },
  crash: {
    what: "serve is killed, or the host loses its power, between any two operations",
    act(simulation, random) {
      const [process] = simulation.serving;
      const isPower = happens(random, 0.5);
      const restartMs = magnitude(random, 10, 30_000);
      const strike = () => {
        if (isPower) simulation.failPower(random);
        else if (process) simulation.kill(process);
        simulation.clock.after(restartMs, () => simulation.serving.length === 0 && simulation.startServe());
      };
      if (process) process.ambush(happens(random, 0.3) ? 0 : magnitude(random, 1, 400), strike);
      else strike();
    },
  },
  stop: {
    what: "serve is stopped and started again",
    act(simulation, random) {
      simulation.stopServe();
      simulation.clock.after(12_000 + magnitude(random, 10, 30_000), () => {
        if (simulation.serving.length === 0) simulation.startServe();
      });
    },
  },
  outage: {
    what: "nobody serves for minutes",
    act(simulation, random) {
      for (const process of simulation.serving) simulation.kill(process);
      simulation.clock.after(magnitude(random, 60_000, 400_000), () => {
        if (simulation.serving.length === 0) simulation.startServe();
      });
    },
  },
  wipe: {
    what: "somebody empties the work directory, or a part of it",
    act(simulation, random) {
      const strike = () => wipe(simulation, random);
      const [process] = simulation.serving;
      if (process && happens(random, 0.5)) process.ambush(magnitude(random, 1, 200), strike);
      else strike();
    },
  },
  restore: {
    what: "somebody puts back the work directory as it was a while ago",
    act(simulation, random) {
      const { host, clock, trace } = simulation;
      const { root } = host.workdir.layout;
      const backup = host.files.copy(root);
      clock.after(magnitude(random, 10, 300_000), () => {
        if (simulation.isHealed) return;
        trace.say("trouble", "an old work directory is put back");
        simulation.wipedMs = simulation.emptiedMs = simulation.restoredMs = clock.monotonic();
        host.files.putBack(root, backup);
      });
    },
  },
  litter: {
    what: "somebody puts into the work directory what does not belong there",
    act({ host, garbage }, random) {
      const name = oneOf(random, ["x", "..x", "X Y", "bad", ".new-x"]);
      const { requests, returnRequests, pods, podsStatus, machines } = host.workdir.layout;
      const directory = oneOf(random, [requests, returnRequests, pods, podsStatus, machines]);
      const path = `${directory}/${name}`;
      if (host.workdir.kind(directory) !== "directory" || host.workdir.kind(path) !== undefined) return;
      garbage.add(name);
      oneOf(random, [
        () => host.files.writeText(path, oneOf(random, ["", "{", "null", "[]"])),
        () => host.files.makeDirectory(`${path}/${name}`),
        () => host.files.symlink("../nowhere", path),
      ])();
    },
  },
  secondServe: { what: "a second serve is started", act: (simulation) => void simulation.startServe() },
  interject: {
    what: "a verb runs between two operations of serve",
    act(simulation, random) {
      const { symphony, serving: [process] } = simulation;
      process?.ambush(magnitude(random, 1, 200), () => {
        void oneOf(random, [
          () => symphony.poll(random),
          () => symphony.pollReturns(random),
          () => symphony.giveBack(random),
          () => symphony.ask(random),
        ])();
      });
    },
  },
  failing: fault("calls fail", (random) => ({
    name: "failing",
    share: share(random),
    status: oneOf(random, [429, 500, 503, 504] as const),
    ...(happens(random, 0.5) ? { retryAfterSeconds: integerBetween(random, 1, 20) } : {}),
  })),
  slow: fault("calls take long", (random) => {
    const latencyMs = magnitude(random, 100, 90_000);
    return { name: "slow", share: share(random), latencyMs, jitterMs: latencyMs };
  }),
  lostRequests: fault("calls get lost", (random) => ({ name: "lost-requests", share: share(random) })),
  lostAnswers: fault("what was done is not answered", (random) => ({ name: "lost-answers", share: share(random) })),
  unauthorised: fault("401", (random) => ({ name: "unauthorised", share: share(random) })),
  forbidden: fault("RBAC grants less", (random) => ({
    name: "forbidden",
    share: share(random),
    verbs: oneOf(random, [["create"], ["delete"], ["list", "watch"], ["get"]]) as ["create"],
  })),
  expiredWatches: fault("410 for watches", (random) => ({
    name: "expired-watches",
    how: oneOf(random, ["event", "status"] as const),
    share: share(random),
  })),
  droppedWatches: fault("watches end, again and again", (random) => ({
    name: "dropped-watches",
    periodMs: magnitude(random, 100, 10_000),
    how: oneOf(random, ["break", "end"] as const),
  })),
  halfOpenWatches: fault("watches go silent", () => ({ name: "half-open-watches" })),
  staleLists: fault("lists show the past", (random) => ({
    name: "stale-reads",
    verbs: ["list"],
    ageMs: magnitude(random, 100, 20_000),
  })),
  smallPages: fault("lists come in many pages", smallPages),
  expiredPages: fault("lists come in many pages, and 410 for those after the first", smallPages, (random) => ({
    name: "expired-pages",
    share: share(random),
  })),
  quota: fault("the quota is exhausted", (random) => ({ name: "quota", limit: integerBetween(random, 0, 4) })),
  podSecurity: fault("policy refuses pods", (random) => ({ name: "pod-security", share: share(random) })),
  imagePullFails: fault("images cannot be pulled", (random) => ({ name: "image-pull-fails", share: share(random) })),
  unschedulable: fault("there is no node for new pods", (random) => ({ name: "unschedulable", share: share(random) })),
  compact: {
    what: "the cluster forgets its history",
    act(simulation, random) {
      simulation.cluster.compact();
      if (happens(random, 0.5)) simulation.cluster.dropWatches({ how: oneOf(random, ["break", "end"]) });
    },
  },
  silence: {
    what: "open watches are heard no more, nor is their end",
    act: (simulation) => void (simulation.weather.deafBeforeMs = simulation.clock.monotonic()),
  },
  lateEvents: {
    what: "watches say everything late",
    act(simulation, random) {
      simulation.weather.lagMs = magnitude(random, 10, 20_000);
      simulation.undo(aWhile(random), "late events", () => void (simulation.weather.lagMs = 0));
    },
  },
  tornWatches: {
    what: "watches break within a line",
    act(simulation, random) {
      simulation.weather.tears = happens(random, 0.5) ? 1 : 0.2;
      simulation.undo(aWhile(random), "torn watches", () => void (simulation.weather.tears = 0));
    },
  },
  evict: toPod("a pod is evicted", ({ cluster, departures }, { name, pod }) => {
    departures.noteEviction(pod.spec.nodeName);
    cluster.evict(name, undefined, at);
  }),
  preempt: toPod("a pod is preempted", ({ cluster, departures }, { name, pod }, random) => {
    departures.noteEviction(pod.spec.nodeName);
    cluster.preempt(name, { ...at, graceSeconds: integerBetween(random, 0, 30) });
  }),
  end: toPod("a pod ends by itself", ({ cluster }, { name }, random) => {
    cluster.endPod(name, { ...at, exitCode: integerBetween(random, 0, 1) });
  }),
  remove: toPod("somebody deletes a pod", ({ cluster }, { name }, random) => {
    cluster.deletePod(name, { ...at, gracePeriodSeconds: oneOf(random, [0, 0, 5, 30]) });
  }),
  replaceByStranger: toPod("a pod gives way to somebody else's of the same name", (simulation, { name }, random) => {
    simulation.cluster.deletePod(name, { ...at, gracePeriodSeconds: 0 });
    makeStranger(simulation, name, random);
  }),
  replaceByCopy: toPod("somebody deletes a pod and puts a copy in its place", (simulation, { name, pod }) => {
    const { labels = {}, annotations = {} } = pod.metadata;
    simulation.cluster.deletePod(name, { ...at, gracePeriodSeconds: 0 });
    copyPod(simulation, { metadata: { name, labels, annotations }, spec: { containers: pod.spec.containers } });
  }),
  annotate: toPod("somebody annotates a pod", (simulation, { name }, random) => {
    const annotations = { "example.com/note": String(integerBetween(random, 0, 9)) };
    void simulation.patchPod(name, { metadata: { annotations } });
  }),
  hold: toPod("somebody holds up the deletion of a pod", (simulation, { name }, random) => {
    void simulation.patchPod(name, { metadata: { finalizers: ["example.com/hold"] } });
    simulation.undo(aWhile(random), "the hold", () => {
      void simulation.patchPod(name, { metadata: { finalizers: null } });
    });
  }),
  stranger: {
    what: "somebody else makes a pod with the name of a machine that has none",
    act(simulation, random) {
      const free = [...simulation.symphony.machines].filter((name) => !simulation.truth.living(name)).sort();
      if (free.length > 0) simulation.truth.asOutsider(() => makeStranger(simulation, oneOf(random, free), random));
    },
  },
  nodeGone: {
    what: "a node goes, and its pods with it",
    act(simulation, random) {
      const nodes = simulation.cluster.listNodes();
      if (nodes.length === 0) return;
      const { name = "" } = oneOf(random, nodes).metadata;
      simulation.truth.asOutsider(() => simulation.cluster.removeNode(name));
    },
  },
  cordon: {
    what: "a node takes no more pods",
    act(simulation, random) {
      const nodes = simulation.cluster.listNodes();
      if (nodes.length === 0) return;
      const { name = "" } = oneOf(random, nodes).metadata;
      simulation.cluster.cordonNode(name);
      simulation.undo(aWhile(random), "the cordon", () => {
        if (simulation.cluster.listNodes().some(({ metadata }) => metadata.name === name)) {
          simulation.cluster.cordonNode(name, false);
        }
      });
    },
  },
  diskFull: disk("the disk is full", "full"),
  diskReadOnly: disk("the disk takes no writes", "read-only"),
  diskSlow: {
    what: "the disk is slow",
    act(simulation, random) {
      simulation.host.trouble.slowMs = magnitude(random, 1, 200);
      simulation.undo(aWhile(random, { mostMs: 20_000 }), "the slow disk", () => {
        simulation.host.trouble.slowMs = 0;
      });
    },
  },
  slowSyncs: {
    what: "syncs take long",
    act(simulation, random) {
      simulation.host.trouble.syncMs = magnitude(random, 1, 200);
      simulation.undo(aWhile(random), "slow syncs", () => void (simulation.host.trouble.syncMs = 0));
    },
  },
  register: {
    what: "extensions are registered",
    act: (simulation, random) => simulation.extensions.register(random),
  },
  hookTrouble: {
    what: "something is wrong with the hook of an extension",
    act(simulation, random) {
      const name = oneOf(random, EXTENSIONS);
      const trouble = oneOf(random, HOOK_TROUBLES);
      simulation.trace.say("trouble", `${name}: ${trouble}`);
      simulation.undo(aWhile(random), `${name}: ${trouble}`, simulation.extensions.trouble(name, trouble));
    },
  },
  lostNotices: {
    what: "notices of changed files get lost",
    act(simulation, random) {
      simulation.host.trouble.lostNotices = share(random);
      simulation.undo(aWhile(random), "lost notices", () => void (simulation.host.trouble.lostNotices = 0));
    },
  },
  clockJump: {
    what: "the host's clock jumps",
    act(simulation, random) {
      simulation.jumpedMs = simulation.clock.monotonic();
      simulation.host.skewMs += magnitude(random, 100, 3_600_000) * (happens(random, 0.5) ? 1 : -1);
      simulation.trace.say("trouble", `the clock is ${simulation.host.skewMs} ms ahead`);
    },
  },
  clusterClockJump: {
    what: "the cluster's clock jumps",
    act(simulation, random) {
      simulation.jumpCluster(magnitude(random, 100, 60_000) * (happens(random, 0.5) ? 1 : -1));
      simulation.trace.say("trouble", `the cluster's clock is ${simulation.clusterSkewMs} ms ahead`);
    },
  },
  nodeLeaves: {
    what: "somebody says that a node is about to go, and takes it back",
    act(simulation, random) {
      const key = oneOf(random, ["karpenter.sh/disrupted", "aws-node-termination-handler/spot-itn"]);
      const name = leavingNode(simulation, random, (name) => simulation.cluster.untaintNode(name, key));
      if (name !== undefined) simulation.cluster.taintNode(name, { key, effect: "NoSchedule" });
    },
  },
  drain: {
    what: "a node is drained, and the drain gets stuck",
    async act(simulation, random) {
      const name = leavingNode(simulation, random, (name) => simulation.cluster.cordonNode(name, false));
      if (name === undefined) return;
      simulation.cluster.cordonNode(name);
      const pods = simulation.truth.allLiving().filter(({ pod }) => pod.spec.nodeName === name);
      for (const pod of pods.slice(0, integerBetween(random, 0, pods.length))) await simulation.evictPod(pod.name);
    },
  },
  newToken: {
    what: "the credentials change, and the old ones are not taken any more",
    act(simulation, random) {
      const token = `serve-${integerBetween(random, 1, 1e6)}`;
      simulation.cluster.access.grant({ name: "serve", token });
      const before = simulation.host.files.readText("/var/run/secrets/kubernetes.io/serviceaccount/token");
      simulation.cluster.access.revoke(before);
      simulation.clock.after(
        magnitude(random, 1, 20_000),
        () => simulation.isHealed || simulation.host.writeToken(token),
      );
    },
  },
  ...WORLD_DEEDS,
} satisfies Record<string, DeedKind>;

export type Deed = keyof typeof DEEDS;

/** The kinds of trouble that a run may draw apart from all others, so that what was drawn before they were there stays the same. */
export const WORLD = Object.keys(WORLD_DEEDS) as Deed[];

/** What is drawn apart from the kinds of trouble. */
const APART: readonly Deed[] = ["ask", "giveBack", "giveBackOthers", "slowSyncs", "register", "hookTrouble"];

/** The kinds of trouble that a run may draw; the others are drawn apart, beside any of them. */
export const FAULTS: readonly Deed[] = (Object.keys(DEEDS) as Deed[])
  .filter((deed) => !APART.includes(deed) && !WORLD.includes(deed));

function disk(what: string, how: "full" | "read-only"): DeedKind {
  return {
    what,
    act(simulation, random) {
      simulation.host.trouble.disk = how;
      simulation.undo(aWhile(random, { mostMs: 30_000 }), what, () => void (simulation.host.trouble.disk = "well"));
    },
  };
}

/** Takes away everything, all of one kind, or one request. */
function wipe(simulation: Simulation, random: Random): void {
  const { host: { files, workdir }, trace } = simulation;
  const { root, directories, requests, returnRequests } = workdir.layout;
  const below = [requests, returnRequests].flatMap((parent) =>
    workdir.names(parent).sort().map((name) => `${parent}/${name}`)
  );
  const path = oneOf(random, [root, oneOf(random, directories), oneOf(random, below.length > 0 ? below : directories)]);
  trace.say("trouble", `${path} is emptied`);
  if (workdir.kind(path) !== "directory") return;
  const { podsStatus, pods, machines } = workdir.layout;
  // Of all the rest nothing is promised that the cluster does not say, too.
  const isKnowledge = below.includes(path) ||
    [root, requests, returnRequests, podsStatus, pods, machines].includes(path);
  if (isKnowledge) simulation.wipedMs = simulation.clock.monotonic();
  simulation.emptiedMs = simulation.clock.monotonic();
  if (below.includes(path)) return files.removeTree(path);
  for (const { name } of files.list(path)) files.removeTree(`${path}/${name}`);
}

function makeStranger({ cluster }: Simulation, name: string, random: Random): void {
  const requestId = name.slice(0, name.lastIndexOf("-"));
  const labels = oneOf(random, [
    {},
    { app: name },
    { app: name, [PodLabel.request]: requestId, [PodLabel.instance]: "another" },
  ]);
  copyPod({ cluster }, { metadata: { name, labels }, spec: { containers: [{ name: "c", image: "i" }] } });
}

/** A machine as another site of the same namespace makes it, of which it remembers all that ours do. */
function makeOthers({ cluster }: Simulation, requestId: string): void {
  const name = machineName(requestId, 0);
  const labels = { app: name, [PodLabel.request]: requestId, [PodLabel.instance]: "another" };
  const memory: RequestMemory = { templateId: "plain", count: 1, index: 0, requestedAt: 7 };
  const managedFields = [{ manager: FIELD_MANAGER, operation: "Update", fieldsV1: { "f:spec": {} } }];
  const annotations = { [REQUEST_ANNOTATION]: JSON.stringify(memory) };
  copyPod({ cluster }, {
    metadata: { name, labels, annotations, managedFields },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
}

/** A node that is about to go from now on, until `spare` is called. @returns its name, if there is one */
function leavingNode(simulation: Simulation, random: Random, spare: (name: string) => void): string | undefined {
  const { cluster, departures, clock } = simulation;
  const nodes = cluster.listNodes();
  if (nodes.length === 0) return undefined;
  const { name = "" } = oneOf(random, nodes).metadata;
  departures.begin(name);
  simulation.undo(aWhile(random), `that node ${name} goes`, () => {
    if (cluster.listNodes().some(({ metadata }) => metadata.name === name)) spare(name);
    departures.end(name, clock.monotonic());
  });
  return name;
}

function copyPod({ cluster }: Pick<Simulation, "cluster">, pod: Partial<Pod>): void {
  try {
    cluster.createPod(pod, at);
  } catch {
    // A quota or a pod that still goes stands in the way: then there is none.
  }
}
