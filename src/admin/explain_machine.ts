import { epochSeconds } from "../clock.ts";
import { readEvents } from "../events/reader.ts";
import { isNotFound } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import { blameForFailure, blameForWaiting, type Side } from "../machine/blame.ts";
import { standstillReason } from "../machine/failure_reason.ts";
import { isTerminal } from "../machine/terminal.ts";
import { readDepartures } from "../workdir/departures.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readTombstone } from "../workdir/machines.ts";
import { readPodFile } from "../workdir/pod_file.ts";
import { readMachineEntry, readRequestRecord } from "../workdir/requests.ts";
import { readReturnRecord } from "../workdir/returns.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import type { ExplanationContext, Finding } from "./explanation.ts";
import { lookAtMachine, type PicturedMachine } from "./picture_of_machine.ts";
import { heldText, type PicturedService } from "./picture_of_service.ts";
import { eventsOrGap } from "./events_or_gap.ts";
import { joinSteps, type MachineTraces, stepsOfEvents, stepsOfTraces } from "./timeline.ts";

/** A machine that is given up no later than this has not been held up by us, in seconds. */
const GIVEN_UP_WITHIN_SECONDS = 15;

export async function explainMachine(context: ExplanationContext, name: string): Promise<Finding> {
  const { workdir, service, now, limits, clusterAheadSeconds } = context;
  const requestId = parseMachineName(name)?.requestId ?? name;
  const record = workdir.kind(workdir.layout.request(requestId)) === "directory"
    ? readRequestRecord(workdir, requestId)
    : undefined;
  const returnId = returnOf(context, name);
  const machine = lookAtMachine(workdir, name, {
    requestId,
    templateId: record?.templateId ?? "unknown",
    record,
    isPending: readMachineEntry(workdir, name) === "pending",
    isReturned: () => returnId !== undefined,
    limits,
    clusterAheadSeconds,
    isBrief: false,
    zoneOf: () => "",
  });
  const { events, gap } = await eventsOrGap(readEvents(context.source, { ids: [name] }, context.budget));
  const traces = tracesOf(workdir, machine, { record, returnId });
  const standstill = machine.state === "running" && traces.pod ? standstillReason(traces.pod) : undefined;
  const matterOf = matter(machine, { service, returnId, standstill, now });
  return {
    kind: "machine",
    name,
    at: now,
    now: nowText(workdir, machine, { service, returnId, standstill, now }),
    matterOf,
    waitsFor: machine.waitsFor,
    until: machine.until ?? machine.goneAt,
    facts: factsOf(machine, { ...record, returnId }),
    timeline: joinSteps(stepsOfEvents(events), stepsOfTraces(traces)),
    next: nextCommands(machine, { service, returnId, standstill, hasPod: traces.pod !== undefined }),
    doubt: service.notServed ?? service.doubt,
    gap,
  };
}

function returnOf({ workdir, clock }: ExplanationContext, name: string): string | undefined {
  const returns = new ReturnIndex(workdir);
  returns.refresh(clock.now());
  return returns.requestsOf(new Set([name])).get(name);
}

function tracesOf(
  workdir: Workdir,
  { name, requestId, state }: PicturedMachine,
  { record, returnId }: {
    record: { templateId: string; requestedAt: number } | undefined;
    returnId: string | undefined;
  },
): MachineTraces {
  const returned = returnId === undefined
    ? undefined
    : { id: returnId, at: readReturnRecord(workdir, returnId)?.requestedAt };
  return {
    requestId,
    templateId: record?.templateId,
    requestedAt: record?.requestedAt,
    pod: readPodFile(workdir, name),
    tombstone: readTombstone(workdir, name),
    ended: isTerminal(state) ? endedAt(workdir, name, state) : undefined,
    returned,
  };
}

function endedAt<Kind>(workdir: Workdir, name: string, kind: Kind): { kind: Kind; at: number } | undefined {
  try {
    return { kind, at: epochSeconds(workdir.files.info(workdir.layout.machine(name)).modifiedMs) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface MachineSituation {
  service: PicturedService;
  returnId: string | undefined;
  /** Why one of its containers does not run, though it is up. */
  standstill: string | undefined;
}

function nowText(
  workdir: Workdir,
  machine: PicturedMachine,
  { service, returnId, standstill, now }: MachineSituation & { now: number },
): string {
  const { state, message, waitsFor, node, failure, goneAt } = machine;
  const leaving = node === "" ? undefined : readDepartures(workdir).get(node);
  if (state === "deleted") return `It is gone: ${message || "given back by Symphony"}`;
  if (failure !== undefined) return `It failed: ${message}`;
  if (state === "succeeded") return "It ended by itself, with success";
  if (returnId !== undefined) return "Symphony gave it back, and its pod is still there";
  if (goneAt !== undefined) return "Its pod is being deleted";
  if (waitsFor !== undefined) {
    const held = isOverdue(machine, now) ? heldText(service) : undefined;
    return `It waits: ${waitsFor}${held === undefined ? "" : `. Not given up yet: ${held}`}`;
  }
  if (state === "unknown") return "Its node may be lost, and come back with it";
  if (standstill !== undefined) return `It is up, and does not run now: ${standstill}`;
  return leaving ? `It runs, and its node is about to go: the node is ${leaving.reason}` : "It runs";
}

function matter(
  machine: PicturedMachine,
  { service, returnId, standstill, now }: MachineSituation & { now: number },
): Side | undefined {
  const { failure, waitsFor, message, state, goneAt } = machine;
  if (failure !== undefined) return blameForFailure(failure, message);
  if (isTerminal(state)) return undefined;
  // What is shown may be out of date.
  if (service.notServed !== undefined || service.doubt !== undefined) return "us";
  if (state === "unknown" || goneAt !== undefined) return "cluster";
  const reason = waitsFor ?? standstill;
  if (reason === undefined || returnId !== undefined) return undefined;
  return isOverdue(machine, now) ? "us" : blameForWaiting(reason);
}

/** True for a machine that should have been given up by now. */
function isOverdue({ until }: PicturedMachine, now: number): boolean {
  return until !== undefined && now - until > GIVEN_UP_WITHIN_SECONDS;
}

function factsOf(
  { requestId, templateId, uid, node, address, state }: PicturedMachine,
  { returnId }: { returnId: string | undefined },
): Record<string, string> {
  const facts = {
    state,
    request: requestId,
    template: templateId,
    node,
    address,
    pod: uid,
    "return request": returnId ?? "",
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== ""));
}

function nextCommands(
  { name, requestId, state, failure, waitsFor, node }: PicturedMachine,
  { service, standstill, hasPod }: MachineSituation & { hasPod: boolean },
): string[] {
  const kubectl = `kubectl -n ${service.cluster?.namespace ?? "NAMESPACE"}`;
  const commands: string[] = [];
  if (service.notServed !== undefined) commands.push(`hostfactory serve --workdir ${service.workdir}`);
  const isUnwell = (failure ?? waitsFor ?? standstill) !== undefined || state === "unknown";
  if (isUnwell && hasPod) commands.push(`${kubectl} describe pod ${name}`);
  if ((state === "failed" || standstill !== undefined) && hasPod) {
    commands.push(`${kubectl} logs ${name} --all-containers`);
  }
  if (isUnwell && !hasPod) commands.push(`${kubectl} get events --field-selector involvedObject.name=${name}`);
  if (failure === "image" || failure === "configuration" || failure === "refused" || failure === "quota") {
    commands.push("hostfactory lint --server");
  }
  if (node !== "" && !isTerminal(state)) commands.push(`hostfactory explain ${node}`);
  return [...commands, `hostfactory explain ${requestId}`];
}
