import type { StatusAnswer } from "../../src/hf/answers.ts";
import { parseMachineName } from "../../src/hf/names.ts";
import { leaseName } from "../../src/kube/lease.ts";
import type { Pod } from "../../src/kube/types.ts";
import { PodLabel, REQUEST_ANNOTATION } from "../../src/templates/podspec.ts";
import { readMachineRecord, readStatusWord } from "../../src/workdir/machines.ts";
import { readRequest, readRequestRecord } from "../../src/workdir/requests.ts";
import type { Invariant } from "./invariants.ts";
import type { Simulation } from "./simulation.ts";
import { carriesOurLabels, INSTANCE, type Life } from "./truth.ts";
import type { Call } from "./wire.ts";

/** How long after it was printed a return may be unknown to a create, in milliseconds: it is looked for every 50 ms. */
const RETURN_SEEN_MS = 200;

/** How long after somebody took files away serve may not have noticed, in milliseconds: it looks every second. */
const WIPE_SEEN_MS = 30_000;

/** The pod that a call is to create, or nothing where it is another call. */
function createdBy({ method, path, body }: Call): Pod | undefined {
  return method === "POST" && path.endsWith("/pods") ? JSON.parse(body) as Pod : undefined;
}

/** True where serve may not have noticed yet that somebody took the request away. */
function wasWiped({ clock, wipedMs }: Simulation): boolean {
  return clock.monotonic() - wipedMs < WIPE_SEEN_MS;
}

/** 5. */
export function onePod(simulation: Simulation): Invariant {
  const { host, truth, symphony } = simulation;
  /** Machines that Symphony has been told the result of. */
  const told = new Set<string>();
  return {
    number: 5,
    title: "One machine, one pod, at most once",
    sent(call) {
      const name = createdBy(call)?.metadata.name;
      if (name === undefined) return undefined;
      const { requestId = "", index = -1 } = parseMachineName(name) ?? {};
      const request = readRequest(host.workdir, requestId);
      const machine = request?.machines.find((one) => one.name === name);
      if (!machine && wasWiped(simulation)) return undefined;
      if (!machine || index >= (request?.record?.count ?? 0)) return `${name} is created, and in no request`;
      if (!machine.pending) return `${name} is created, and its request says that it has been`;
      const word = readStatusWord(host.workdir, name);
      if (word !== undefined && word !== "creating") return `${name} is created, and it is ${word}`;
      return undefined;
    },
    answered({ verb, answer, failed }) {
      if (verb !== "getRequestStatus" || failed) return undefined;
      for (const { requestId, machines } of (answer as StatusAnswer).requests) {
        if (symphony.asked.get(requestId)?.kind !== "request") continue;
        for (const { name, result } of machines) if (result !== "executing") told.add(name);
      }
      return undefined;
    },
    podChanged(type, life) {
      if (type !== "ADDED" || !life.isOurs || !told.has(life.name)) return undefined;
      const { requestId = "" } = parseMachineName(life.name) ?? {};
      if ((symphony.asked.get(requestId)?.atMs ?? Infinity) <= simulation.restoredMs) return undefined;
      const before = truth.lives().some(({ name, uid, isOurs }) => isOurs && name === life.name && uid !== life.uid);
      return before ? `${life.name} got a second pod, and Symphony knew of the first` : undefined;
    },
    wordWritten(machine, word) {
      if (word !== "running" && word !== "succeeded") return undefined;
      const ran = truth.lives().some((life) => life.name === machine && life.hasRun && carriesOurLabels(life.pod));
      return ran ? undefined : `${machine} is ${word}, and no pod of ours by that name ever ran`;
    },
  };
}

/** 6. */
export function goneIsSeenGone(simulation: Simulation): Invariant {
  const { truth, symphony, clock } = simulation;
  /** The pod that the machine has had all the time. */
  const stillThere = (machine: string): Life | undefined => {
    const life = truth.living(machine);
    if (!life || !carriesOurLabels(life.pod) || clock.monotonic() < simulation.staleMs + 300_000) return undefined;
    const another = truth.lives().some(({ name, uid, pod }) =>
      name === machine && uid !== life.uid && carriesOurLabels(pod)
    );
    return another ? undefined : life;
  };
  /** Pods that came late: what asked for them was on its way when their machines had ended. */
  const late = new Set<string>();
  return {
    number: 6,
    title: "Gone means seen gone",
    podChanged(type, life) {
      if (type === "ADDED" && readStatusWord(simulation.host.workdir, life.name) === "deleted") late.add(life.uid);
      return undefined;
    },
    wordWritten(machine, word) {
      const life = word === "deleted" ? stillThere(machine) : undefined;
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
  const { symphony, host, clock } = simulation;
  return {
    number: 9,
    title: "A machine returned before it was created is never created",
    sent(call) {
      const name = createdBy(call)?.metadata.name;
      if (name === undefined) return undefined;
      for (const { id, kind, machines, atMs } of symphony.asked.values()) {
        if (kind !== "return" || !machines.includes(name) || atMs <= simulation.wipedMs) continue;
        const ageMs = clock.monotonic() - atMs;
        if (ageMs > RETURN_SEEN_MS + 20 * host.trouble.slowMs) {
          return `${name} is created ${ageMs} ms after return ${id}`;
        }
      }
      if (readMachineRecord(host.workdir, name)?.givenUp) return `${name} is created, and had been given up`;
      return undefined;
    },
  };
}

/** 11. */
export function remembered(simulation: Simulation): Invariant {
  const { host } = simulation;
  return {
    number: 11,
    title: "The cluster remembers",
    sent(call) {
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
    sent({ method, path, body }) {
      if (method === "GET" || (method === "POST" && path.endsWith("/pods"))) return undefined;
      if (path.includes("/leases")) {
        const { name } = JSON.parse(body).metadata;
        return name === leaseName(INSTANCE) ? undefined : `${method} ${path} is about lease ${name}`;
      }
      const name = path.slice(path.lastIndexOf("/") + 1);
      const { preconditions, metadata } = JSON.parse(body || "{}");
      const uid: string | undefined = method === "DELETE" ? preconditions?.uid : metadata?.uid;
      if (uid === undefined) return `${method} ${path} goes out without a uid`;
      const life = truth.life(uid);
      return life?.name === name && carriesOurLabels(life.pod)
        ? undefined
        : `${method} ${path} is about a pod of somebody else: ${JSON.stringify(life?.pod.metadata)}`;
    },
  };
}
