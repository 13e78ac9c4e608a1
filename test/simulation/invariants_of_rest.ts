import type { Clock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { isRequestId, parseMachineName } from "../../src/hf/names.ts";
import { isMachineState, type MachineState } from "../../src/hf/status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { hasEnded } from "../../src/machine/readiness.ts";
import { readState, readTombstone } from "../../src/workdir/machines.ts";
import { readPodFacts } from "../../src/workdir/pod_file.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { readReturn } from "../../src/workdir/returns.ts";
import { CONFDIR, WORKDIR } from "./host.ts";
import type { Invariant } from "./invariants.ts";
import type { Simulation } from "./simulation.ts";
import { carriesOurLabels, INSTANCE, isMachine, isOver } from "./truth.ts";

/** For so long nothing may have been created, deleted or asked for by name when all is at rest, in milliseconds. */
const QUIET_MS = 35_000;

const STATE_OF_PHASE: Record<string, MachineState> = {
  Pending: "pending",
  Running: "running",
  Succeeded: "succeeded",
  Failed: "failed",
};

/** 3. Whatever notices were lost on the way, in the end the files say what is. */
export function levelNotEdge(simulation: Simulation): Invariant {
  const { truth, symphony, garbage } = simulation;
  const isIntact = (id: string) => isRequestId(id) && !garbage.has(id);
  return {
    number: 3,
    title: "Level, not edge",
    rested() {
      const { workdir } = simulation.host;
      const returned = new Set<string>();
      for (const id of workdir.names(workdir.layout.returnRequests)) {
        const stored = isIntact(id) ? readReturn(workdir, id) : undefined;
        if (stored && !stored.processed) return `return ${id} is not handled`;
        for (const name of stored?.machines ?? []) returned.add(name);
      }
      const named = namedAsGone(simulation);
      for (const id of workdir.names(workdir.layout.requests)) {
        const stored = isIntact(id) ? readRequest(workdir, id) : undefined;
        if (stored && !stored.processed) return `request ${id} is not handled`;
        for (const { name } of stored?.machines ?? []) {
          const amiss = machineAmiss(simulation, name, returned.has(name)) ??
            namingAmiss(simulation, name, { isReturned: returned.has(name), isNamed: named.has(name) });
          if (amiss) return amiss;
        }
      }
      for (const { name, pod } of truth.allLiving()) {
        const { requestId = "" } = parseMachineName(name) ?? {};
        if (carriesOurLabels(pod) && !readRequest(workdir, requestId)) return `pod ${name} has no owner`;
      }
      for (const { id, kind, isOver } of symphony.asked.values()) {
        if (!isOver) return `Symphony waits for ${kind} ${id}`;
      }
      return undefined;
    },
  };
}

function machineAmiss(simulation: Simulation, name: string, isReturned: boolean): string | undefined {
  const { host: { workdir }, truth, wipedMs, putBackMs, powerMs, wasDeceived } = simulation;
  const life = truth.living(name);
  const state = readState(workdir, name);
  if (life && isMachine(life)) {
    // A pod without our marks is seen by nothing but a GET of its name.
    if (life.isUnmarked && wasDeceived) return undefined;
    if (simulation.isFoundByNothing(life)) return undefined;
    const phase = life.pod.status?.phase ?? "Pending";
    if (isReturned) return `${name} was given back, and its pod is ${phase}`;
    if (readTombstone(workdir, name)?.givenUp) return `${name} was given up, and its pod is ${phase}`;
    // One that could not be seen when its request was rebuilt without it has failed for good, even if it had succeeded.
    if (state === "failed" && phase === "Succeeded" && wipedMs > -Infinity) return undefined;
    // A power failure took the file of its pod, and somebody put a copy in that one's place before anybody looked.
    const hasRun = truth.lives().some((one) => one.name === name && one.uid !== life.uid && one.hasRun);
    if (state === "running" && phase === "Pending" && powerMs > -Infinity && hasRun) return undefined;
    // It is over as it was seen to be, though in a state that was put back its pod came to another end.
    const hasEnded = (one: string) => one === "failed" || one === "succeeded";
    const isOver = putBackMs > -Infinity && hasEnded(state ?? "") && hasEnded(STATE_OF_PHASE[phase] ?? "");
    return isOver || state === STATE_OF_PHASE[phase] ? undefined : `${name} is ${state}, and its pod is ${phase}`;
  }
  return state === "deleted" || state === "failed" ? undefined : `${name} is ${state}, and it has no pod`;
}

/** The machines that Symphony would be told have gone, or are about to, were it to ask for all now. */
function namedAsGone({ host, clock }: Simulation): Set<string> {
  const { workdir, files } = host;
  const config = loadConfig({ workdir: WORKDIR, confdir: CONFDIR, instance: INSTANCE }, {});
  const hostClock: Clock = {
    now: () => clock.now() + host.skewMs,
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const provider = { config, workdir, files, clock: hostClock, random: workdir.random, warn() {} };
  const answer = getReturnRequests(provider, {});
  return new Set(answer.requests.map(({ machine }) => machine));
}

/** Each machine that has gone without having been given back is named, and none that is well or was given back. */
function namingAmiss(
  { truth, symphony, departures, wipedMs, host }: Simulation,
  name: string,
  { isReturned, isNamed }: { isReturned: boolean; isNamed: boolean },
): string | undefined {
  if (isReturned) return isNamed ? `${name} was given back, and is still named` : undefined;
  const life = truth.living(name);
  const isWell = life !== undefined && isMachine(life) && !isOver(life.pod);
  if (isWell) {
    const isLeaving = departures.lastSaidMs(life.pod.spec.nodeName) > -Infinity;
    return isNamed && !isLeaving ? `${name} is named, and its pod is ${life.pod.status?.phase}` : undefined;
  }
  // What was lost with the work directory may have been lost with its pod.
  const { requestId = "" } = parseMachineName(name) ?? {};
  if ((symphony.asked.get(requestId)?.atMs ?? -Infinity) <= wipedMs) return undefined;
  // One that was refused before anybody saw its pod has failed, and never counted as up.
  const record = readTombstone(host.workdir, name);
  if (record?.givenUp && record.uid === undefined) return undefined;
  const hadPod = truth.lives().some((one) => one.name === name && one.isOurs);
  return hadPod && !isNamed && !symphony.mayHaveReturned(name) ? `${name} has gone, and is not named` : undefined;
}

/** 4. Held by `simulation_test.ts`: a run whose choices all come from its seed is the same run every time. */
export function pureDecisions(_simulation: Simulation): Invariant {
  return { number: 4, title: "Deciding is pure" };
}

/** So many milliseconds the start of serve takes at most that finds the directory it begins in emptied. */
const BEGUN_WITHIN_MS = 1_000;

/** 10. */
export function badThingsStandAlone(simulation: Simulation): Invariant {
  return {
    number: 10,
    title: "One bad thing stops only itself",
    ended({ process, host, error, wasTold }) {
      if (wasTold && error === undefined) return undefined;
      // A directory that is emptied while serve begins says so; nor is a disk that takes nothing a single bad thing. A
      // supervisor starts serve again.
      const isEmptied = simulation.clock.monotonic() - simulation.emptiedMs < BEGUN_WITHIN_MS;
      if (isEmptied && /No such file/.test(String(error))) return undefined;
      if (host.trouble.disk !== "well" || /Read-only file system|No space left/.test(String(error))) return undefined;
      return `${process.name} ended by itself: ${error instanceof Error ? error.stack : error}`;
    },
  };
}

/** 13. */
export function bounded(simulation: Simulation): Invariant {
  const { truth, clock, cluster } = simulation;
  return {
    number: 13,
    title: "Nothing grows without bound",
    rested() {
      const { host } = simulation;
      const { workdir } = host;
      for (const name of workdir.names(workdir.layout.pods)) {
        const life = truth.living(name);
        if (simulation.garbage.has(name)) continue;
        if (!life || !isMachine(life)) return `pods/${name} is left, and there is no such pod`;
      }
      const ended = truth.allLiving().find((life) =>
        isMachine(life) && hasEnded(life.pod) && !simulation.isFoundByNothing(life)
      );
      if (simulation.isRidOfEnded && ended) return `pod ${ended.name} has ended, and stays`;
      const left = Object.keys(host.files.tree("/work")).find((path) => path.includes(".new-"));
      if (simulation.isSwept && left !== undefined) return `${left} is left, and nothing removes it`;
      const past = simulation.isRidOfPast ? pastOf(simulation) : undefined;
      if (past !== undefined) return `${past} is left of what is long past`;
      if (cluster.watchCount > 3) return `${cluster.watchCount} watches are open`;
      const quietMs = clock.monotonic() - simulation.askedMs;
      return quietMs < QUIET_MS ? `something was still tried ${quietMs} ms ago` : undefined;
    },
  };
}

/** Something that is known of requests, return requests or machines, where anything is. */
function pastOf({ host: { workdir }, garbage }: Simulation): string | undefined {
  const { requests, returnRequests, podsStatus, machines, lost, returning } = workdir.layout;
  for (const directory of [requests, returnRequests, podsStatus, machines, lost, returning]) {
    const name = workdir.names(directory).find((name) => !garbage.has(name));
    if (name !== undefined) return `${directory}/${name}`;
  }
  return undefined;
}

/** 14. What the legacy plug-in reads is as it expects it. */
export function stepBack(simulation: Simulation): Invariant {
  const { garbage } = simulation;
  const unreadable = (): string | undefined => {
    const { workdir } = simulation.host;
    const { layout, files } = workdir;
    for (const name of workdir.names(layout.podsStatus)) {
      const state = workdir.readLink(layout.podStatus(name));
      if (!garbage.has(name) && !isMachineState(state ?? "")) return `pods-status/${name} leads to ${state}`;
    }
    for (const id of workdir.names(layout.requests).filter((id) => !garbage.has(id) && isRequestId(id))) {
      for (const name of workdir.names(layout.request(id))) {
        const path = layout.requestMachine(id, name);
        const isLink = workdir.kind(path) === "symlink";
        if (!isLink && files.info(path).size > 0) return `requests/${id}/${name} is neither a link nor empty`;
        if (isLink && !/"kind":"Pod"/.test(files.readText(path))) return `requests/${id}/${name} leads to no manifest`;
      }
    }
    return undefined;
  };
  return {
    number: 14,
    title: "A step back is safe",
    crashed: unreadable,
    rested() {
      const { workdir } = simulation.host;
      for (const name of workdir.names(workdir.layout.pods).filter((name) => !garbage.has(name))) {
        const text = workdir.readText(workdir.layout.pod(name));
        // A power failure may take the last newline alone, which no reader misses.
        const pod = readPodFacts(workdir, name) === undefined ? {} : JSON.parse(text ?? "{}");
        const isThere = typeof pod.metadata?.creation_timestamp === "number" && "pod_ip" in (pod.status ?? {});
        if (!isThere) return `pods/${name} is not as the legacy plug-in reads it`;
      }
      return unreadable();
    },
  };
}
