import type { StatusAnswer } from "../../src/hf/answers.ts";
import { parseMachineName } from "../../src/hf/names.ts";
import { LEASE_SECONDS, leaseName } from "../../src/kube/lease.ts";
import type { Pod } from "../../src/kube/types.ts";
import { phaseOf } from "../../src/machine/readiness.ts";
import { isTerminal } from "../../src/machine/terminal.ts";
import { PodLabel, REQUEST_ANNOTATION } from "../../src/templates/podspec.ts";
import { readState, readTombstone } from "../../src/workdir/machines.ts";
import { readRequest, readRequestRecord } from "../../src/workdir/requests.ts";
import type { Invariant } from "./invariants.ts";
import type { Simulation } from "./simulation.ts";
import type { Host } from "./host.ts";
import { INSTANCE, isMachine, isOver, type Life, NAMESPACE } from "./truth.ts";
import type { Process } from "./process.ts";
import type { Call } from "./wire.ts";

/** How long after it was printed a return may be unknown to a create, in milliseconds: it is looked for every 50 ms. */
const RETURN_SEEN_MS = 200;

/** How long after somebody took files away serve may not have noticed, in milliseconds: it looks every second. */
const WIPE_SEEN_MS = 30_000;

/** A machine whose container was restarted so often has failed. */
const CRASH_LOOP = 5;

/** So much older than it is may a pod seem, in milliseconds: its creation time is in whole seconds. */
const TIMESTAMP_MS = 1_500;

/** Within so many milliseconds it lasts that the pod of a machine was created whose result is told. */
const SETTLED_WITHIN_MS = 5_000;

/** The pod that a call is to create, or nothing where it is another call. */
function createdBy(call: Call): Pod | undefined {
  return isCreate(call) ? JSON.parse(call.body) as Pod : undefined;
}

function isCreate({ method, path }: Call): boolean {
  return method === "POST" && /\/pods(\?|$)/.test(path);
}

/** True where serve may not have noticed yet that somebody took the request away. */
function wasWiped({ clock, wipedMs }: Simulation): boolean {
  return clock.monotonic() - wipedMs < WIPE_SEEN_MS;
}

/** 5. */
export function onePod(simulation: Simulation): Invariant {
  const { truth, symphony } = simulation;
  /** Machines that Symphony has been told the result of, and when it was first. */
  const told = new Map<string, number>();
  return {
    number: 5,
    title: "One machine, one pod, at most once",
    sent(call, { host }) {
      const name = createdBy(call)?.metadata.name;
      if (name === undefined) return undefined;
      const { requestId = "", index = -1 } = parseMachineName(name) ?? {};
      const request = readRequest(host.workdir, requestId);
      const machine = request?.machines.find((one) => one.name === name);
      if (!machine && wasWiped(simulation)) return undefined;
      if (!machine || index >= (request?.record?.count ?? 0)) return `${name} is created, and in no request`;
      if (!machine.pending) return `${name} is created, and its request says that it has been`;
      const state = readState(host.workdir, name);
      // It is looked at right before, and a watcher may write it while the client takes its turns of the event loop.
      if (simulation.stateWrittenMs.get(name) === simulation.clock.monotonic()) return undefined;
      if (state !== undefined && state !== "creating") return `${name} is created, and it is ${state}`;
      return undefined;
    },
    answered({ verb, answer, failed }) {
      if (verb !== "getRequestStatus" || failed) return undefined;
      for (const { requestId, machines } of (answer as StatusAnswer).requests) {
        if (symphony.asked.get(requestId)?.kind !== "request") continue;
        const now = simulation.clock.monotonic();
        for (const { name, result } of machines) if (result !== "executing" && !told.has(name)) told.set(name, now);
      }
      return undefined;
    },
    podChanged(type, life) {
      const toldMs = told.get(life.name);
      if (type !== "ADDED" || !life.isOurs || toldMs === undefined) return undefined;
      // That its pod was created may not last yet.
      if (simulation.powerMs >= toldMs && simulation.powerMs < toldMs + SETTLED_WITHIN_MS) return undefined;
      const { requestId = "" } = parseMachineName(life.name) ?? {};
      if ((symphony.asked.get(requestId)?.atMs ?? Infinity) <= simulation.restoredMs) return undefined;
      const before = truth.lives().some(({ name, uid, isOurs }) => isOurs && name === life.name && uid !== life.uid);
      return before ? `${life.name} got a second pod, and Symphony knew of the first` : undefined;
    },
    stateWritten(machine, state) {
      if (state !== "running" && state !== "succeeded") return undefined;
      const ran = truth.lives().some((life) => life.name === machine && life.hasRun && isMachine(life));
      return ran ? undefined : `${machine} is ${state}, and no pod of ours by that name ever ran`;
    },
  };
}

/** 6. */
export function goneIsSeenGone(simulation: Simulation): Invariant {
  const { truth, symphony, clock } = simulation;
  /** The pod that the machine has had all the time. */
  const stillThere = (machine: string): Life | undefined => {
    const life = truth.living(machine);
    if (!life || !isMachine(life) || clock.monotonic() < simulation.lieMs + 300_000) return undefined;
    if (life.isUnmarked && simulation.wasDeceived) return undefined;
    if (simulation.isFoundByNothing(life)) return undefined;
    const another = truth.lives().some((one) => one.name === machine && one.uid !== life.uid && isMachine(one));
    return another ? undefined : life;
  };
  /** Pods that came late: what asked for them was on its way when their machines had ended. */
  const late = new Set<string>();
  /** Machines that were created from a directory that Symphony had left: what it gave back since is not known there. */
  const elsewhere = new Set<string>();
  return {
    number: 6,
    title: "Gone means seen gone",
    sent(call, { host }) {
      const name = createdBy(call)?.metadata.name;
      if (name !== undefined && host !== simulation.host) elsewhere.add(name);
      return undefined;
    },
    podChanged(type, { name, uid }) {
      if (type !== "ADDED") return undefined;
      const isGiven = [...symphony.asked.values()].some(({ kind, machines }) =>
        kind === "return" && machines.includes(name)
      );
      const isDeleted = readState(simulation.host.workdir, name) === "deleted";
      if (isDeleted || (isGiven && elsewhere.has(name))) late.add(uid);
      return undefined;
    },
    stateWritten(machine, state) {
      const life = state === "deleted" ? stillThere(machine) : undefined;
      return life && `${machine} is deleted, and its pod is ${life.pod.status?.phase}`;
    },
    answered({ verb, answer, failed }) {
      if (verb !== "getRequestStatus" || failed) return undefined;
      for (const { requestId, machines } of (answer as StatusAnswer).requests) {
        if (symphony.asked.get(requestId)?.kind !== "return") continue;
        for (const { name, result } of machines) {
          const life = result === "succeed" ? stillThere(name) : undefined;
          if (life && !late.has(life.uid)) {
            return `${name} counts as given back, and its pod is ${life.pod.status?.phase}`;
          }
        }
      }
      return undefined;
    },
  };
}

/** 9. */
export function returnedIsNotCreated(simulation: Simulation): Invariant {
  const { symphony, clock } = simulation;
  return {
    number: 9,
    title: "A machine returned before it was created is never created",
    sent(call, { host }) {
      const name = createdBy(call)?.metadata.name;
      if (name === undefined) return undefined;
      if (host !== simulation.host) return undefined; // What was printed elsewhere is not known there.
      for (const { id, kind, machines, atMs } of symphony.asked.values()) {
        if (kind !== "return" || !machines.includes(name) || atMs <= simulation.wipedMs) continue;
        const ageMs = clock.monotonic() - atMs;
        if (ageMs > RETURN_SEEN_MS + 20 * host.trouble.slowMs) {
          return `${name} is created ${ageMs} ms after return ${id}`;
        }
      }
      if (readTombstone(host.workdir, name)?.givenUp) return `${name} is created, and had been given up`;
      return undefined;
    },
  };
}

/** 11. */
export function remembered(simulation: Simulation): Invariant {
  return {
    number: 11,
    title: "The cluster remembers",
    sent(call, { host }) {
      const pod = createdBy(call);
      if (!pod) return undefined;
      const { name = "", labels = {}, annotations = {} } = pod.metadata;
      const { requestId = "", index } = parseMachineName(name) ?? {};
      const isLabelled = labels[PodLabel.app] === name && labels[PodLabel.request] === requestId &&
        labels[PodLabel.instance] === INSTANCE;
      const record = readRequestRecord(host.workdir, requestId);
      if (!record && wasWiped(simulation)) return undefined;
      const noted = JSON.parse(annotations[REQUEST_ANNOTATION] ?? "{}");
      const isNoted = noted.index === index && noted.count === record?.count &&
        noted.templateId === record?.templateId && noted.requestedAt === record?.requestedAt;
      return isLabelled && isNoted ? undefined : `${name} is created with ${JSON.stringify(pod.metadata)}`;
    },
  };
}

/** 12. */
export function onlyOurs({ truth }: Simulation): Invariant {
  return {
    number: 12,
    title: "We touch only what is ours",
    sent(call) {
      const { method, path, body } = call;
      if (method === "GET" || isCreate(call)) return undefined;
      if (path.includes("/leases")) {
        const { name } = JSON.parse(body).metadata;
        return name === leaseName(INSTANCE) ? undefined : `${method} ${path} is about lease ${name}`;
      }
      const name = path.slice(path.lastIndexOf("/") + 1);
      const { preconditions, metadata } = JSON.parse(body || "{}");
      const uid: string | undefined = method === "DELETE" ? preconditions?.uid : metadata?.uid;
      if (uid === undefined) return `${method} ${path} goes out without a uid`;
      const life = truth.life(uid);
      return life?.name === name && isMachine(life)
        ? undefined
        : `${method} ${path} is about a pod of somebody else: ${JSON.stringify(life?.pod.metadata)}`;
    },
  };
}

/** 15. */
export function keptIsKept(simulation: Simulation): Invariant {
  const { truth, symphony, plan, clock } = simulation;
  /** By pod, which host made it; and those that came when that host had given up on their machines. */
  const makers = new Map<string, Host>();
  const late = new Set<string>();
  /** Pods that were deleted before, and rightly so: an earlier state of the cluster brings them back, and their machines are over. */
  const condemned = new Set<string>();
  const whyNot = (life: Life): string | undefined => {
    const { pod, name } = life;
    if (!life.isOurs || life.isUnmarked || isOver(pod) || late.has(life.uid) || condemned.has(life.uid)) {
      return undefined;
    }
    if (symphony.mayHaveReturned(name)) return undefined;
    // The directory that was put back last brought its machine's end, and one that was put back before it had made the pod.
    const { restoredMs, stateWrittenMs } = simulation;
    const isRestored = Math.max(life.createdMs, stateWrittenMs.get(name) ?? -Infinity) <= restoredMs;
    if (isRestored && isTerminal(readState(simulation.host.workdir, name))) return undefined;
    // Any process that rebuilds a directory that was lost has nothing else to go by.
    if (simulation.forged.has(life.uid) && simulation.wasRebuilt) return undefined;
    const ageMs = clock.monotonic() - life.createdMs + TIMESTAMP_MS;
    const isHindered = pod.status?.containerStatuses?.some(({ state }) => state?.waiting?.reason !== undefined);
    if (isHindered && ageMs >= plan.imagePullGraceSeconds * 1000) return undefined;
    // In an earlier state of the cluster it may be pending again.
    const isPending = !life.hasRun || (simulation.putBackMs > -Infinity && phaseOf(pod) === "Pending");
    if (isPending && ageMs >= plan.podTimeoutSeconds * 1000) return undefined;
    if (pod.status?.containerStatuses?.some(({ restartCount = 0 }) => restartCount >= CRASH_LOOP)) return undefined;
    if (!life.hasRun && simulation.bothClocksJumped) return undefined;
    return `${pod.status?.phase ?? "Pending"}, ${Math.round(ageMs / 1000)} s old, and no one gave it back`;
  };
  return {
    number: 15,
    title: "No machine is destroyed that Symphony keeps",
    sent(call, { host }) {
      const name = createdBy(call)?.metadata.name;
      if (name !== undefined) makers.set(name, host);
      if (call.method !== "DELETE") return undefined;
      const life = truth.life(JSON.parse(call.body || "{}").preconditions?.uid ?? "");
      const why = life && whyNot(life);
      if (life && why === undefined) condemned.add(life.uid);
      return why && `${life?.name} is deleted: ${why}`;
    },
    podChanged(type, { uid, name }) {
      if (type !== "ADDED") return undefined;
      const maker = makers.get(name) ?? simulation.host;
      const state = readState(maker.workdir, name);
      if (state === "failed" || state === "deleted") late.add(uid);
      return undefined;
    },
  };
}

/** After how long, in milliseconds, whoever serves without a lease asks for it again, and hands over. */
const UNLEASED_MS = 75_000;

/** 16. */
export function oneOwner(simulation: Simulation): Invariant {
  /** By process, the identity by which it last asked for the lease, and where it runs. */
  const identities = new Map<Process, { identity: string; host: Host }>();
  /** Those that have had the lease: to be refused it later is no reason for them to go on without. */
  const hadLease = new Set<Process>();
  return {
    number: 16,
    title: "One owner",
    sent({ method, path, body }, { process, host }) {
      if (method === "GET") return undefined;
      const own = identities.get(process)?.identity;
      const [, namespace = NAMESPACE] = /\/namespaces\/([^/]+)\//.exec(path) ?? [];
      const holder = simulation.cluster.getLease(leaseName(INSTANCE), { namespace })?.spec?.holderIdentity;
      if (holder !== undefined && holder === own) hadLease.add(process);
      if (path.includes("/leases")) {
        identities.set(process, { identity: JSON.parse(body).spec.holderIdentity, host });
        return undefined;
      }
      if (!holder || simulation.clock.monotonic() < simulation.meddledMs + LEASE_SECONDS * 1000) return undefined;
      const other = [...identities].find(([one, { identity }]) => identity === holder && !one.isDead)?.[1];
      // Any process that was refused the lease, and has locks of a directory, serves without for as long as it does not know better.
      const mayLackLease = other?.host === host || !hadLease.has(process);
      if (mayLackLease && simulation.clock.monotonic() < simulation.refusedMs + UNLEASED_MS) return undefined;
      return other !== undefined && own !== undefined && own !== holder
        ? `${process.name} sends ${method} ${path}, and ${holder} has the lease`
        : undefined;
    },
  };
}
