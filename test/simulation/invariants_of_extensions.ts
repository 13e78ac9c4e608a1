import { parseMachineName } from "../../src/hf/names.ts";
import type { Pod } from "../../src/kube/types.ts";
import { readState, readTombstone } from "../../src/workdir/machines.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { GATE_WORDS, markOf } from "./extensions.ts";
import type { Invariant } from "./invariants.ts";
import type { Simulation } from "./simulation.ts";
import type { Asked } from "./symphony.ts";
import { isMachine } from "./truth.ts";

/** How long after its bound a deletion may be late when all is well, in milliseconds: pods are looked over every ten seconds. */
const LATE_MS = 60_000;

/** 17. No pod is created that has not passed each extension that it has to. The gate passes pods as they are. */
export function passesExtensions({ extensions }: Simulation): Invariant {
  return {
    number: 17,
    title: "A pod passes the extensions before it is created",
    sent({ method, path, body }) {
      if (method !== "POST" || !/\/pods(\?|$)/.test(path)) return undefined;
      const { name = "", annotations = {} } = (JSON.parse(body) as Pod).metadata;
      const missing = extensions.musts.find((one) => one !== "gate" && !(markOf(one) in annotations));
      if (missing !== undefined) return `${name} is created, and has not passed ${missing}`;
      const isRefused = extensions.refuses(parseMachineName(name)?.requestId ?? "");
      return isRefused ? `${name} is created, and the gate refuses its request` : undefined;
    },
  };
}

/** 18. */
export function refusedIsFailed(simulation: Simulation): Invariant {
  const { extensions, garbage, symphony } = simulation;
  return {
    number: 18,
    title: "A refused request fails, with the words of who refused it",
    rested() {
      const { workdir } = simulation.host;
      for (const id of workdir.names(workdir.layout.requests)) {
        if (garbage.has(id) || !extensions.refuses(id)) continue;
        for (const { name } of readRequest(workdir, id)?.machines ?? []) {
          const state = readState(workdir, name);
          if (state !== "failed" && state !== "deleted") return `${name} was refused, and is ${state}`;
          const tombstone = readTombstone(workdir, name);
          const isForgotten = !tombstone && (symphony.asked.get(id)?.atMs ?? -Infinity) <= simulation.wipedMs;
          const message = state === "deleted" || isForgotten ? GATE_WORDS : tombstone?.message ?? "";
          // Another that a pod has to pass may not have answered, or not as it should; or too late for the only try.
          const isLate = simulation.hasPaused && extensions.registry.extensions.some(({ retryMs }) => retryMs === 0);
          const isSaid = message.includes(GATE_WORDS) ||
            ((extensions.troubled.size > 0 || isLate) && /[Ee]xtension '/.test(message));
          if (!isSaid) return `${name} was refused, and is said to have failed because: ${message}`;
        }
      }
      return undefined;
    },
  };
}

/** 19. */
export function upIsTold(simulation: Simulation): Invariant {
  const { extensions, garbage, truth } = simulation;
  return {
    number: 19,
    title: "An extension is told of each machine that comes up",
    rested() {
      if (extensions.registry.extensions.length === 0) return undefined;
      const { workdir } = simulation.host;
      const real = new Set(truth.lives().map(({ name }) => name));
      for (const name of workdir.names(workdir.layout.podsStatus)) {
        // One that never had a pod may be noted as having been up if its directory has forgotten why it failed.
        if (garbage.has(name) || !parseMachineName(name) || !real.has(name)) continue;
        const isUp = readState(workdir, name) === "running";
        const told = extensions.told.get(name);
        // A power failure took the note that it had been up, and without that, its failure was told.
        const isForgotten = !isUp && simulation.powerMs > -Infinity && told?.has("failed") === true;
        const wasUp = isUp || readTombstone(workdir, name)?.up;
        if (wasUp && !isForgotten && !told?.has("up")) return `${name} was up, and the inventory was not told`;
      }
      return undefined;
    },
  };
}

/** 20. */
export function deletionsWait(simulation: Simulation): Invariant {
  const { extensions, clock, truth, symphony } = simulation;
  return {
    number: 20,
    title: "A deletion waits for an extension, but not for ever",
    sent({ method, path, body }) {
      const { drainMs } = extensions;
      if (method !== "DELETE" || !/\/pods\/[^/?]+(\?|$)/.test(path) || drainMs === undefined) return undefined;
      if (extensions.troubled.has("drainer")) return undefined;
      const { preconditions: { uid = "" } = {} } = JSON.parse(body) as { preconditions?: { uid?: string } };
      const waitedMs = clock.monotonic() - (extensions.askedMs.get(uid) ?? Infinity);
      if (extensions.released.has(uid) || waitedMs >= drainMs - SLACK_MS) return undefined;
      return `${uid} is deleted, and the drainer has not let it go`;
    },
    rested() {
      const { drainMs } = extensions;
      if (drainMs === undefined) return undefined;
      for (const life of truth.allLiving()) {
        const waitedMs = clock.monotonic() - (extensions.askedMs.get(life.uid) ?? Infinity);
        const isLate = isMachine(life) && life.pod.metadata.deletionTimestamp === undefined &&
          waitedMs > drainMs + LATE_MS;
        const state = readState(simulation.host.workdir, life.name);
        // One that came before the directory was emptied may have been lost with it.
        const isReturned = ({ kind, machines, atMs }: Asked) =>
          kind === "return" && machines.includes(life.name) && atMs > simulation.wipedMs;
        // A hidden pod may be seen again once its return is long past.
        if (isLate && [...symphony.asked.values()].some((one) => isReturned(one) && !simulation.mayBePast(one))) {
          return `${life.name} is ${state} and was given back, and is not deleted ${waitedMs} ms after the drainer was asked`;
        }
      }
      return undefined;
    },
  };
}

/** A call is on its way for so long at most before the drainer sees it, in milliseconds. */
const SLACK_MS = 150;
