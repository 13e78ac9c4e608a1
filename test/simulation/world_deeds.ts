import { integerBetween, type Random } from "../../src/random.ts";
import { leaseName } from "../../src/kube/lease.ts";
import { PodLabel, RETURN_ANNOTATION } from "../../src/templates/podspec.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { happens, magnitude, oneOf } from "./chance.ts";
import { type DeedKind, fault, share, toPod } from "./deed_kinds.ts";
import { readCluster } from "../../src/workdir/cluster.ts";
import { readInstances } from "../../src/workdir/instances.ts";
import { OTHER_AUTHORITY, OWN_AUTHORITY } from "./host.ts";
import type { Process } from "./process.ts";
import { aWhile, OTHER_NAMESPACE, type Simulation } from "./simulation.ts";
import { INSTANCE, type Life, NAMESPACE } from "./truth.ts";

const at = { namespace: NAMESPACE };
const lease = leaseName(INSTANCE);

/** What others do who own, or seem to own, the same pods; and what shows us another picture of the cluster than the true one. */
export const WORLD_DEEDS = {
  standby: {
    what: "a second serve is started on a machine that shares the directory, and whose clock is another",
    act: (simulation, random) =>
      void simulation.startServe({ aheadMs: magnitude(random, 1, 3_600_000) * (happens(random, 0.5) ? 1 : -1) }),
  },
  rival: {
    what: "a serve of the same instance is started on a work directory of its own",
    act(simulation, random) {
      const host = simulation.otherHost;
      const skewMs = magnitude(random, 1, 3_600_000) * (happens(random, 0.5) ? 1 : -1);
      if (host.skewMs === 0) host.skewMs = skewMs; // A clock that jumps is another deed.
      const process = simulation.startServe({ host });
      if (!happens(random, 0.5)) return;
      simulation.clock.after(aWhile(random), () => simulation.kill(process));
    },
  },
  rivalSite: {
    what: "another Symphony asks for machines where the same instance is not served",
    async act(simulation, random) {
      const host = simulation.otherHost;
      if (host.isMisled) return;
      if (simulation.servingOn(host).length === 0) simulation.startServe({ host });
      const input = { template: { templateId: "plain", machineCount: integerBetween(random, 1, 4) } };
      await simulation.runElsewhere(host, (provider) => requestMachines(provider, input));
    },
  },
  failOver: {
    what: "Symphony's host is lost, and comes back while Symphony goes on on another one",
    act(simulation, random) {
      const lost = simulation.host;
      simulation.failOver();
      simulation.clock.after(magnitude(random, 1_000, 120_000), () => {
        const isBack = !simulation.isHealed && simulation.servingOn(lost).length === 0;
        if (isBack) simulation.startServe({ host: lost });
      });
    },
  },
  handOver: {
    what: "serve is told to stop while a standby waits",
    act(simulation, random) {
      simulation.startServe({ aheadMs: magnitude(random, 1, 60_000) });
      simulation.clock.after(magnitude(random, 1, 10_000), () => simulation.isHealed || simulation.stopServe());
    },
  },
  pause: {
    what: "serve is stopped between any two operations, and goes on later as if nothing had been",
    act(simulation, random) {
      const process = oneServe(simulation, random);
      process?.ambush(magnitude(random, 1, 400), () => {
        if (simulation.isHealed) return;
        simulation.trace.say(process.name, "is paused");
        process.pause();
        simulation.hasPaused = true;
        simulation.undo(magnitude(random, 1_000, 120_000), `the pause of ${process.name}`, () => process.resume());
      });
    },
  },
  stall: {
    what: "time passes within an operation of serve",
    act(simulation, random) {
      const process = oneServe(simulation, random);
      process?.ambush(magnitude(random, 1, 400), () => {
        if (!simulation.isHealed) simulation.clock.pass(magnitude(random, 1_000, 60_000));
        simulation.host.slowAtMs = simulation.clock.monotonic();
      });
    },
  },
  leaseDeleted: {
    what: "somebody deletes the lease",
    act(simulation) {
      meddle(simulation);
      simulation.cluster.deleteLease(lease, at);
    },
  },
  leaseStolen: {
    what: "somebody writes another holder into the lease",
    act(simulation) {
      const stored = simulation.cluster.getLease(lease, at);
      if (!stored) return;
      meddle(simulation);
      simulation.cluster.putLease({ ...stored, spec: { ...stored.spec, holderIdentity: "somebody" } }, at);
    },
  },
  leasesForbidden: fault("leases are not granted", (random) => ({
    name: "forbidden",
    paths: ["/leases"],
    verbs: oneOf(random, [["get"], ["create"], ["update"], ["get", "create", "update"]]) as ["get"],
  })),
  wrongPlace: {
    what: "the credentials lead to another namespace or cluster for a while",
    act(simulation, random) {
      const { host } = simulation;
      const { namespaceUid } = readCluster(host.workdir) ?? {};
      if (namespaceUid === undefined) return;
      host.homeUid ??= namespaceUid;
      const [file, wrong, right] = oneOf(random, [
        ["namespace", OTHER_NAMESPACE, NAMESPACE],
        ["namespace", "nowhere", NAMESPACE],
        ["ca.crt", OTHER_AUTHORITY, OWN_AUTHORITY],
      ]) as ["namespace" | "ca.crt", string, string];
      host.writeAccount(file, wrong);
      simulation.trace.say("trouble", `${file} is ${wrong}`);
      if (happens(random, 0.5)) {
        for (const process of simulation.servingOn(host)) simulation.kill(process);
        simulation.clock.after(1_000, () => simulation.servingOn(host).length === 0 && simulation.startServe({ host }));
      }
      simulation.undo(aWhile(random), `the wrong ${file}`, () => host.writeAccount(file, right));
    },
  },
  wrongInstance: {
    what: "two sites share the namespace, and serve is started once by the name of the other",
    async act(simulation, random) {
      const { neighbour } = simulation;
      const instance = "neighbour";
      if (simulation.servingOn(neighbour).length > 0) return;
      simulation.startServe({ host: neighbour, instance });
      const input = { template: { templateId: "plain", machineCount: integerBetween(random, 1, 4) } };
      await simulation.runElsewhere(neighbour, (provider) => requestMachines(provider, input));
      simulation.clock.after(aWhile(random), () => {
        // A directory that has not been served is whose name it is served by first: nothing shows that it is the wrong one.
        if (simulation.isHealed || readInstances(simulation.host.workdir).length === 0) return;
        const wrong = simulation.startServe({ instance });
        simulation.clock.after(5_000, () => simulation.kill(wrong));
      });
    },
  },
  emptyLists: fault("lists are valid and empty", (random) => ({
    name: "empty-lists",
    ...(happens(random, 0.5) ? { count: integerBetween(random, 1, 3) } : {}),
  })),
  partialLists: fault("lists omit some", (random) => ({
    name: "partial-lists",
    missing: oneOf(random, [0.1, 0.5, 0.9]),
  })),
  endlessLists: fault("lists repeat a page", () => ({ name: "repeated-pages" })),
  unstreamedWatches: fault("watches carry nothing and end cleanly", (random) => ({
    name: "unstreamed-watches",
    how: oneOf(random, ["timeout", "at-once"] as const),
  })),
  clusterClockLies: {
    what: "whoever answers says that it is later, or earlier",
    act(simulation, random) {
      simulation.noteClusterJump();
      const aheadMs = magnitude(random, 1_000, 3_600_000) * (happens(random, 0.7) ? 1 : -1);
      fault("", () => ({ name: "clock-ahead", aheadMs })).act(simulation, random);
    },
  },
  droppedMarks: fault("a webhook drops our labels from new pods", (random) => ({
    name: "dropped-marks",
    prefixes: ["symphony/"],
    share: share(random),
  })),
  hiddenPods: {
    what: "some pods cannot be seen, not even by their names",
    act(simulation, random) {
      simulation.deceits++;
      const id = simulation.cluster.setFault({ name: "hidden-pods", share: share(random) });
      simulation.undo(aWhile(random), "hidden pods", () => {
        simulation.cluster.clearFault(id);
        simulation.endDeceit();
      });
    },
  },
  etcdRestored: {
    what: "etcd is put back to an earlier state",
    act(simulation, random) {
      const snapshot = simulation.cluster.snapshot();
      const apiServer = oneOf(random, ["restarted", "running"] as const);
      simulation.clock.after(magnitude(random, 1_000, 120_000), () => {
        if (simulation.isHealed) return;
        simulation.trace.say("trouble", `etcd is put back, the API server ${apiServer}`);
        simulation.putBack(snapshot, apiServer);
        if (apiServer === "running") {
          simulation.undo(aWhile(random), "the API server's lost state", () => simulation.restartApiServer());
        }
      });
    },
  },
  takeLabels: toPod("somebody takes our labels from a pod", (simulation, { name, pod }, random) => {
    const { labels = {} } = pod.metadata;
    const keys = happens(random, 0.5) ? [PodLabel.request] : Object.values(PodLabel);
    const own = Object.fromEntries(keys.map((key) => [key, labels[key] ?? ""]));
    if (Object.values(own).includes("")) return;
    const uid = pod.metadata.uid ?? "";
    simulation.stolenLabels.set(uid, { name, labels: { ...own, ...simulation.stolenLabels.get(uid)?.labels } });
    void simulation.patchPod(name, {
      metadata: { labels: Object.fromEntries(keys.map((key) => [key, happens(random, 0.5) ? null : "changed"])) },
    });
  }),
  claimForAnother: toPod("somebody says that a pod is another work directory's", (simulation, { name }) => {
    void simulation.patchPod(name, { metadata: { labels: { [PodLabel.workdir]: "somebodyelse" } } });
  }),
  forgeReturn: toPod("somebody writes our note of a return on a pod", (simulation, life, random) => {
    simulation.forged.add(life.uid);
    const note = { id: `forged-${integerBetween(random, 0, 99)}`, ...forgedSignature(simulation, life, random) };
    void simulation.patchPod(life.name, { metadata: { annotations: { [RETURN_ANNOTATION]: JSON.stringify(note) } } });
  }),
  deschedule: {
    what: "a node takes no more pods, and one of its pods is evicted",
    async act(simulation, random) {
      const { cluster, truth, departures } = simulation;
      const [name = ""] = cluster.listNodes().map(({ metadata }) => metadata.name ?? "")
        .filter((node) => truth.allLiving().filter(({ pod }) => pod.spec.nodeName === node).length >= 3)
        .filter((node) => departures.evictedFrom(node) === 0);
      if (name === "") return;
      cluster.cordonNode(name);
      const pods = truth.allLiving().filter(({ pod, isOurs }) => isOurs && pod.spec.nodeName === name);
      departures.noteEviction(name);
      if (pods.length > 0) await simulation.evictPod(oneOf(random, pods).name);
      simulation.undo(aWhile(random), "the cordon", () => {
        if (cluster.listNodes().some(({ metadata }) => metadata.name === name)) cluster.cordonNode(name, false);
      });
    },
  },
} satisfies Record<string, DeedKind>;

function oneServe(simulation: Simulation, random: Random): Process | undefined {
  const all = [...simulation.serving, ...simulation.servingOn(simulation.otherHost)];
  return all.length > 0 ? oneOf(random, all) : undefined;
}

function meddle(simulation: Simulation): void {
  simulation.meddledMs = simulation.clock.monotonic();
}

/** A signature that was copied from another pod, made up, or none. */
function forgedSignature({ truth }: Simulation, life: Life, random: Random): { signature?: string } {
  const others = truth.lives().filter(({ uid }) => uid !== life.uid)
    .flatMap(({ pod }) => JSON.parse(pod.metadata.annotations?.[RETURN_ANNOTATION] ?? "{}").signature ?? []);
  return oneOf(random, [{}, { signature: "made-up" }, others.length > 0 ? { signature: oneOf(random, others) } : {}]);
}
