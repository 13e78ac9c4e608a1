import { epochSeconds } from "../../src/clock.ts";
import type { RequestStatusAnswer, ReturnRequestsAnswer, StatusAnswer } from "../../src/hf/answers.ts";
import { isRequestId } from "../../src/hf/names.ts";
import { machineStatus } from "../../src/hf/status.ts";
import { readState, readTombstone } from "../../src/workdir/machines.ts";
import { readMachineEntry, readRequest } from "../../src/workdir/requests.ts";
import { readReturn } from "../../src/workdir/returns.ts";
import { doubtSyncStatus, readSyncStatus, SYNC_LIFETIME_SECONDS } from "../../src/workdir/index/sync_status.ts";
import type { Invariant, VerbRun } from "./invariants.ts";
import { type Simulation, WHOLE_WITHIN_MS } from "./simulation.ts";
import type { Asked } from "./symphony.ts";
import { isMachine, isOver } from "./truth.ts";

/** How long after a clock jumped, or a read was stale, what follows from it is forgiven, in milliseconds. */
const FORGIVEN_MS = 300_000;

/** How long before a view was heard something must have happened to be in it, in milliseconds: answers may be slow. */
const REFLECTED_MS = 60_000;

/** 1. */
export function answersAtOnce(): Invariant {
  return {
    number: 1,
    title: "A verb answers at once, from files alone",
    answered({ verb, answer, failed, isWell, tookMs, mostMs }) {
      if (tookMs > mostMs) return `${verb} took ${tookMs} ms`;
      if (failed) return isWell ? `${verb} failed on a healthy host: ${JSON.stringify(answer)}` : undefined;
      const text = JSON.stringify(answer);
      const wrong = flawOf(verb, JSON.parse(text));
      return wrong && `${verb} answered ${text}: ${wrong}`;
    },
  };
}

function flawOf(verb: VerbRun["verb"], answer: Record<string, unknown>): string | undefined {
  switch (verb) {
    case "getAvailableTemplates":
      return Array.isArray(answer.templates) && answer.templates.length > 0 ? undefined : "no templates";
    case "requestMachines":
    case "requestReturnMachines":
      return typeof answer.requestId === "string" && answer.requestId !== "" ? undefined : "no request id";
    case "getReturnRequests":
      return (answer as unknown as ReturnRequestsAnswer).requests.every(({ machine, gracePeriod }) =>
          machine !== "" && Number.isFinite(gracePeriod) && gracePeriod >= 0
        )
        ? undefined
        : "a machine without a name or a grace period";
    case "getRequestStatus":
      return (answer as unknown as StatusAnswer).requests.map(flawOfStatus).find((flaw) => flaw !== undefined);
  }
}

function flawOfStatus({ requestId, status, machines }: RequestStatusAnswer): string | undefined {
  if (!["running", "complete", "complete_with_error"].includes(status)) return `${requestId}: status ${status}`;
  for (const machine of machines) {
    const { name, machineId, result, privateIpAddress, launchtime, message } = machine;
    if ([name, machineId, privateIpAddress, message].some((text) => typeof text !== "string")) return `${name}: a text`;
    if (!["running", "terminated"].includes(machine.status)) return `${name}: status ${machine.status}`;
    if (!["executing", "succeed", "fail"].includes(result)) return `${name}: result ${result}`;
    if (!Number.isInteger(launchtime)) return `${name}: launchtime ${launchtime}`;
    if (result === "fail" && message === "") return `${name}: fails without a message`;
  }
  return undefined;
}

/** 2. What was printed is there after any crash, whole; and what Symphony was told of an end stays as it was. */
export function printedIsOnDisk(simulation: Simulation): Invariant {
  /** By request, and by request and machine, what was last said of it, when, and since when. */
  const said = new Map<string, { what: string; atMs: number; sinceMs: number }>();
  /** When what was said to have ended well, and not by its return, was first said so; an earlier state of the cluster undoes it. */
  const succeeded = new Map<string, number>();
  const isTakenBack = (key: string, what: string, isFinal: (before: string) => boolean): string | undefined => {
    const before = said.get(key);
    const atMs = simulation.clock.monotonic();
    said.set(key, { what, atMs, sinceMs: before?.what === what ? before.sinceMs : atMs });
    if (!before || before.what === what || !isFinal(before.what)) return undefined;
    // After a power failure, what was seen has to be seen again: until then nothing is said, or what is left of it.
    const isForgotten = simulation.powerMs >= before.sinceMs && (what === "running" || what === "executing");
    if (before.atMs <= simulation.putBackMs || before.atMs <= simulation.lieMs + FORGIVEN_MS) return undefined;
    if (!isForgotten) return `${key} was said to be ${before.what}, and now ${what}`;
    said.set(key, before);
    return undefined;
  };
  /** What was looked at when nothing was missing: it is looked at again once a process has changed something of it. */
  let whole = "";
  const missingSince = (): string | undefined => {
    const { host, symphony, requestChanges } = simulation;
    const now = `${host.name} ${requestChanges} ${symphony.asked.size}`;
    if (now === whole) return undefined;
    const what = missing(simulation);
    if (what === undefined) whole = now;
    return what;
  };
  return {
    number: 2,
    title: "What a verb answered is on disk",
    crashed: () => missing(simulation) ?? halves(simulation),
    rested: () => missing(simulation) ?? halves(simulation),
    answered({ verb, answer, failed }) {
      if (verb !== "getRequestStatus" || failed) return missingSince();
      for (const { requestId, message, status, machines } of (answer as StatusAnswer).requests) {
        // What was asked before somebody emptied the work directory is known as far as the cluster remembers it.
        const asked = simulation.symphony.asked.get(requestId);
        if ((asked?.atMs ?? Infinity) <= simulation.wipedMs) continue;
        if (asked && isPast(simulation, { asked, message })) continue;
        if (/never issued/.test(message)) return `${requestId} was printed, and is not known now`;
        // A machine that is up may fail, and with it its request; one that is given back stays so.
        const isReturn = asked?.kind === "return";
        if (isReturn && machines.some(({ name }) => mayPassForOwn(simulation, name))) continue;
        for (const { name, result, status } of machines) {
          const key = `${requestId} ${name}`;
          // A request that is long past may be rebuilt from pods that were hidden until now.
          const succeededMs = succeeded.get(key) ?? -Infinity;
          if (result === "fail" && succeededMs > simulation.putBackMs && !(asked && simulation.mayBePast(asked))) {
            return `${key} had succeeded and ended, and now fails`;
          }
          if (result === "succeed" && status === "terminated" && !simulation.symphony.hasReturned(name)) {
            if (!succeeded.has(key)) succeeded.set(key, simulation.clock.monotonic());
          }
          const flaw = isTakenBack(
            key,
            result,
            (before) => before === "fail" || (isReturn && before === "succeed"),
          );
          if (flaw) return flaw;
        }
        const isLast = (before: string) =>
          before === "complete_with_error" || (before === "complete" && (isReturn || status === "running"));
        const flaw = isTakenBack(requestId, status, isLast);
        if (flaw) return flaw;
      }
      return undefined;
    },
  };
}

/**
 * True if a copy of the machine's pod is there, and a power failure may have taken what was noted of the machine's own: until
 * the copy is deleted, its return is not over.
 */
function mayPassForOwn({ truth, powerMs }: Simulation, name: string): boolean {
  const own = truth.lives().find((life) => life.name === name);
  const living = truth.living(name);
  return powerMs > -Infinity && living !== undefined && living !== own;
}

/** True where it is said to be long past, or not to be known while the view is too old to say that, and is past. */
function isPast(simulation: Simulation, { asked, message }: { asked: Asked; message: string }): boolean {
  return /long past|is not known here yet/.test(message) && simulation.mayBePast(asked);
}

function missing(simulation: Simulation): string | undefined {
  const { symphony, host, wipedMs } = simulation;
  for (const asked of symphony.asked.values()) {
    if (asked.atMs <= wipedMs) continue;
    const { layout } = host.workdir;
    const path = asked.kind === "return" ? layout.returnRequest(asked.id) : layout.request(asked.id);
    if (host.workdir.kind(path) === undefined && simulation.mayBePast(asked)) continue;
    if (simulation.mayBeBackInPart(asked)) continue;
    const { id, kind, count } = asked;
    if (kind === "return") {
      const stored = readReturn(host.workdir, id);
      const names = new Set([...stored?.machines ?? [], ...stored?.record?.unknown ?? []]);
      const lost = asked.machines.filter((name) => !names.has(name));
      if (!stored || lost.length > 0) return `return ${id} was printed, and lacks ${lost.join(", ") || "everything"}`;
    } else {
      const stored = readRequest(host.workdir, id);
      if (stored?.record?.count !== count || stored.machines.length !== count) {
        return `request ${id} for ${count} was printed, and there is ${JSON.stringify(stored)}`;
      }
    }
  }
  return undefined;
}

/**
 * What can be seen of a request is all of it. One that was never printed may have been lost with the power after its pods
 * were created, and be rebuilt from them: it is handled, and needs no manifest.
 */
function halves({ host, garbage, wasRebuilt, symphony }: Simulation): string | undefined {
  const { workdir } = host;
  if (wasRebuilt) return undefined;
  for (const id of workdir.names(workdir.layout.requests)) {
    if (garbage.has(id) || !isRequestId(id)) continue;
    const stored = readRequest(workdir, id);
    const isRebuilt = !symphony.asked.has(id) && stored?.processed === true;
    const hasManifest = workdir.kind(`${workdir.layout.request(id)}/.manifest.json`) === "file";
    if (!stored?.record || !(hasManifest || isRebuilt)) {
      return `request ${id} is there in part: ${JSON.stringify(stored)}`;
    }
  }
  for (const id of workdir.names(workdir.layout.returnRequests)) {
    if (!garbage.has(id) && isRequestId(id) && !readReturn(workdir, id)?.record) return `return ${id} is there in part`;
  }
  return undefined;
}

/** 7. */
export function completeIsComplete(simulation: Simulation): Invariant {
  return {
    number: 7,
    title: "Never complete with a machine unaccounted for",
    answered({ verb, answer, failed }) {
      if (verb !== "getRequestStatus" || failed) return undefined;
      for (const request of (answer as StatusAnswer).requests) {
        const asked = simulation.symphony.asked.get(request.requestId);
        if (!asked || asked.atMs <= simulation.wipedMs) continue;
        if (isPast(simulation, { asked, message: request.message }) || simulation.mayBeBackInPart(asked)) continue;
        const untrue = asked.kind === "request" &&
          request.machines.map((one) => lieAbout(simulation, one)).find((lie) => lie);
        const flaw = untrue || flawOfComplete(request, asked);
        if (flaw) return `${request.requestId} is ${request.status}, but ${flaw}`;
      }
      return undefined;
    },
  };
}

/** What is said of a machine of a request against what really became of its pod; nothing if that is the same. */
function lieAbout(
  { truth, host, clock, lieMs }: Simulation,
  { name, result }: RequestStatusAnswer["machines"][number],
): string | undefined {
  if (result === "succeed") {
    const hasRun = truth.lives().some((life) => life.name === name && life.hasRun && isMachine(life));
    return hasRun ? undefined : `${name} is said to have been up, and never was`;
  }
  const life = truth.living(name);
  if (result !== "fail" || !life?.isOurs || isOver(life.pod)) return undefined;
  if (clock.monotonic() < lieMs + FORGIVEN_MS || readTombstone(host.workdir, name)?.givenUp) return undefined;
  return `${name} is said to have failed, and its pod is ${life.pod.status?.phase}`;
}

function flawOfComplete({ status, machines }: RequestStatusAnswer, asked: Asked): string | undefined {
  if (status === "running") return undefined;
  const names = new Set(machines.map(({ name }) => name));
  const lacks = asked.machines.filter((name) => !names.has(name));
  if (lacks.length > 0) return `does not name ${lacks.join(", ")}`;
  if (names.size !== machines.length || names.size !== new Set(asked.machines).size) return "names others";
  if (machines.some(({ result }) => result === "executing")) return "a machine is executing";
  const failed = machines.some(({ result }) => result === "fail");
  return failed === (status === "complete_with_error") ? undefined : `${failed ? "a" : "no"} machine failed`;
}

/** 8. */
export function knownIsReported(simulation: Simulation): Invariant {
  /** By uid, when the phase of a pod last changed, or the pod came or went. */
  const changes = new Map<string, { phase: string | undefined; atMs: number }>();
  /** By machine, when something of its pod was first written down. */
  const seen = new Map<string, number>();
  return {
    number: 8,
    title: "Never report what we do not know",
    podChanged(_type, { uid, isAlive, pod }) {
      const phase = isAlive ? pod.status?.phase : undefined;
      if (changes.has(uid) && changes.get(uid)?.phase === phase) return undefined;
      changes.set(uid, { phase, atMs: simulation.clock.monotonic() });
      return undefined;
    },
    stateWritten(machine, state) {
      if (state !== "creating" && !seen.has(machine)) seen.set(machine, simulation.clock.monotonic());
      return undefined;
    },
    rested() {
      const { clock, host } = simulation;
      return doubtSyncStatus(readSyncStatus(host.workdir, "pods"), epochSeconds(clock.now() + host.skewMs));
    },
    answered({ verb, answer, failed }) {
      const missed = missedByView(simulation, {
        changedMs: (uid) => changes.get(uid)?.atMs ?? -Infinity,
        seenMs: (machine) => seen.get(machine) ?? Infinity,
      });
      if (missed !== undefined) return missed;
      if (verb !== "getReturnRequests" || failed) return undefined;
      const { clock, truth, jumpedMs, hasOtherClocks, lieMs, wipedMs, host, departures } = simulation;
      const now = clock.monotonic();
      for (const { machine } of (answer as ReturnRequestsAnswer).requests) {
        const ageMs = now - host.heardMs;
        // A clock that is ahead by less than a view lives makes that view live as much longer.
        const livesMs = (hasOtherClocks ? 2 : 1) * (SYNC_LIFETIME_SECONDS + 2) * 1000;
        if (ageMs > livesMs && now - jumpedMs > FORGIVEN_MS) {
          return `${machine} is named, and the cluster was last heard from ${ageMs} ms ago`;
        }
        const life = truth.living(machine);
        if (!life?.isOurs || isOver(life.pod) || now < lieMs + FORGIVEN_MS) continue;
        if (simulation.isFoundByNothing(life)) continue;
        // It is about to go; or why it was given up was taken away.
        if (readTombstone(host.workdir, machine)?.givenUp) continue;
        if (wipedMs > -Infinity && readState(host.workdir, machine) === "failed") continue;
        const saidMs = departures.lastSaidMs(life.pod.spec.nodeName);
        const forgivenMs = Math.max(saidMs, saidMs > -Infinity ? jumpedMs + FORGIVEN_MS : saidMs);
        if (now <= forgivenMs + (SYNC_LIFETIME_SECONDS + 2) * 1000) continue; // Its node is.
        return `${machine} is named, and its pod is ${life.pod.status?.phase}`;
      }
      return undefined;
    },
  };
}

/** What a view that counts as fresh does not reflect of the cluster, though it happened long before it was heard. */
function missedByView(
  simulation: Simulation,
  { changedMs, seenMs }: { changedMs: (uid: string) => number; seenMs: (machine: string) => number },
): string | undefined {
  const { clock, host, truth, symphony } = simulation;
  const { lieMs, jumpedMs, hasOtherClocks, emptiedMs, restoredMs, putBackMs, powerMs } = simulation;
  // By another clock it cannot be told here when it was heard.
  if (jumpedMs > -Infinity || hasOtherClocks) return undefined;
  const now = clock.monotonic();
  // What was taken away of files or lists is found with the next list. An earlier state of the cluster is seen at once.
  const takenMs = Math.max(emptiedMs === putBackMs ? -Infinity : emptiedMs, restoredMs);
  const liedMs = lieMs === putBackMs ? -Infinity : lieMs;
  if (now < liedMs + FORGIVEN_MS || now < takenMs + WHOLE_WITHIN_MS) return undefined;
  const view = readSyncStatus(host.workdir, "pods");
  if (doubtSyncStatus(view, epochSeconds(clock.now() + host.skewMs)) !== undefined) return undefined;
  const heardMs = (view?.heardAt ?? 0) * 1000 - host.skewMs - (clock.now() - now);
  // A power failure may spare the note of the view, and take states that were written before it: to prevent that, each state
  // would have to be synced. The next serve looks at all of them again before it notes anything.
  if (heardMs <= powerMs) return undefined;
  for (const life of truth.lives()) {
    const { name, uid, isOurs, isAlive, isUnmarked, pod } = life;
    const isTouched = simulation.garbage.has(name) || simulation.stolenLabels.has(name);
    if (!isOurs || isUnmarked || isTouched || !symphony.machines.has(name)) continue;
    if (Math.max(changedMs(uid), putBackMs) > heardMs - REFLECTED_MS) continue;
    const state = readState(host.workdir, name);
    if (state === undefined) continue; // It is long past, or its state was lost.
    const isGone = !isAlive && truth.living(name) === undefined;
    const isStarting = state === "creating" || state === "pending";
    const isMissed = (isGone && machineStatus(state) !== "terminated") ||
      (isAlive && pod.status?.phase === "Running" && isStarting);
    if (!isMissed) continue;
    // It was gone before anything was seen of it, or power failed since: what is known is a copy, which went a moment ago.
    const isUnseen = changedMs(uid) < seenMs(name) || powerMs > seenMs(name);
    if (isGone && isUnseen && truth.lives().some((one) => one.name === name && one.uid !== uid)) continue;
    if (readMachineEntry(host.workdir, name) === "pending") continue; // That it was created may not be known yet.
    const heard = `the cluster was heard from ${Math.round((now - heardMs) / 1000)} s ago`;
    return `${name} is ${state}, its pod is ${isGone ? "gone" : "Running"}, and ${heard}`;
  }
  return undefined;
}
