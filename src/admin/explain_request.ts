import { blameForFailure, blameForWaiting, type Side } from "../machine/blame.ts";
import { isTerminal } from "../machine/terminal.ts";
import { mostCommon, withoutNode } from "../machine/most_common.ts";
import { readReturn } from "../workdir/returns.ts";
import { parseMachineName } from "../hf/names.ts";
import type { Turn } from "../events/stored_events.ts";
import { readTurns } from "../events/turns.ts";
import type { ExplanationContext, Finding } from "./explanation.ts";
import { openPicture } from "./open_picture.ts";
import type { PicturedRequest } from "./picture_of_requests.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";
import { commonReason } from "./picture_of_templates.ts";
import type { Step } from "./timeline.ts";
import { eventsOrGap } from "./events_or_gap.ts";

/** Explains a request or return request. @param kind which of the two the id belongs to */
export async function explainRequest(
  context: ExplanationContext,
  id: string,
  kind: "request" | "return request",
): Promise<Finding> {
  const { workdir, service, now, budget } = context;
  const machinesOfReturn = kind === "request" ? undefined : new Set(readReturn(workdir, id)?.machines);
  const requestIds = [...machinesOfReturn ?? []].map((machine) => parseMachineName(machine)?.requestId ?? "");
  const only = new Set([id, ...requestIds]);
  const picture = await openPicture(context, { everything: true, isBrief: true, isOnly: true, only, budget })
    .take();
  const request = [...picture.requests, ...picture.returns].find((one) => one.id === id);
  const machines = picture.machines.filter(({ name, requestId }) =>
    machinesOfReturn ? machinesOfReturn.has(name) : requestId === id
  );
  const waiting = commonReason(
    machines.filter((machine) => machine.waitsFor !== undefined && machine.returnId === undefined),
    "waits",
  );
  const failed = commonReason(machines.filter(({ failure }) => failure !== undefined), "failed");
  const example = machines.find(({ name }) => name === (waiting ?? failed)?.example);
  const left = machinesOfReturn && machines.find(({ state }) => !isTerminal(state));
  const names = machines.map(({ name }) => name);
  const asked = { machines: names, request: machinesOfReturn ? undefined : id, statuses: Object.keys(TURNS) };
  const { events: turns, gap } = await eventsOrGap(readTurns(context.source, asked, budget));
  return {
    kind,
    name: id,
    at: now,
    now: request ? nowText(request, waiting?.text) : "It has lost all that it said",
    matterOf: kind === "request" ? matterOf(example, service.notServed ?? service.doubt) : undefined,
    waitsFor: kind === "request" ? waiting?.text : undefined,
    until: request?.until,
    facts: request ? factsOf(request) : {},
    timeline: timelineOf(request, { turns, machines, now }),
    next: nextCommands(request, { example: (left ?? example ?? machines[0])?.name }),
    doubt: service.notServed ?? service.doubt,
    gap,
  };
}

function matterOf(example: PicturedMachine | undefined, doubt: string | undefined): Side | undefined {
  if (!example) return undefined;
  if (example.failure !== undefined) return blameForFailure(example.failure, example.message);
  if (doubt !== undefined) return "us";
  return example.waitsFor === undefined ? undefined : blameForWaiting(example.waitsFor);
}

/** @param waitsFor what most of the machines that are not up yet wait for */
function nowText({ kind, machines, counts, status, endedAt }: PicturedRequest, waitsFor: string | undefined): string {
  const { executing, succeed, fail } = counts;
  const of = `of ${machines} ${machines === 1 ? "machine" : "machines"}`;
  if (kind === "return") {
    if (status !== "running") return `All ${of.slice(3)} are gone`;
    return `${succeed} ${of} are gone, ${executing} are still there`;
  }
  const parts = [`${succeed} ${of} are up or were given back`];
  if (fail > 0) parts.push(`${fail} failed`);
  if (executing > 0) parts.push(`${executing} ${executing === 1 ? "waits" : "wait"}${waitsFor ? `: ${waitsFor}` : ""}`);
  return `${parts.join(", ")}${endedAt === undefined ? "" : "; all of it is over"}`;
}

function factsOf({ kind, templateId, status, machines }: PicturedRequest): Record<string, string> {
  return {
    ...(kind === "request" ? { template: templateId } : {}),
    machines: String(machines),
    "Symphony is told": status,
  };
}

/**
 * The timeline of a request: when it came; then, for each status of its machines, how many reached it, and from when to
 * when.
 */
function timelineOf(
  request: PicturedRequest | undefined,
  { turns, machines, now }: { turns: readonly Turn[]; machines: readonly PicturedMachine[]; now: number },
): Step[] {
  const steps: Step[] = [];
  if (request?.requestedAt !== undefined) {
    const what = request.kind === "request" ? "Symphony asked for the machines" : "Symphony gave the machines back";
    steps.push({ at: request.requestedAt, what, words: "" });
  }
  for (const status of Object.keys(TURNS)) {
    steps.push(...turns.filter((turn) => turn.status === status).flatMap(firstAndLast));
  }
  const failures = machines.filter(({ failure }) => failure !== undefined);
  for (const failed of Map.groupBy(failures, ({ message }) => withoutNode(message)).values()) {
    const at = Math.min(...failed.map(({ since }) => since ?? now));
    const words = mostCommon(failed.map(({ message }) => message))?.text ?? "";
    steps.push({ at, what: `${failed.length} failed, the first of them ${failed[0]?.name}`, words });
  }
  if (request?.endedAt !== undefined) steps.push({ at: request.endedAt, what: "All of it is over", words: "" });
  return steps.sort((one, other) => one.at - other.at);
}

/** The statuses that are counted, in their order, with their text. `{were}` becomes `was` for one machine. */
const TURNS: Readonly<Record<string, string>> = {
  created: "got a pod",
  scheduled: "got a node",
  running: "began to run",
  returned: "{were} given back",
  deleted: "{were} gone",
};

function firstAndLast({ status, machines, first, last }: Turn): Step[] {
  const what = (isOne: boolean) => (TURNS[status] ?? status).replace("{were}", isOne ? "was" : "were");
  if (first === last) return [{ at: first, what: `${machines} ${what(machines === 1)}`, words: "" }];
  return [
    { at: first, what: `The first of ${machines} ${what(true)}`, words: "" },
    { at: last, what: `The last of ${machines} ${what(true)}`, words: "" },
  ];
}

function nextCommands(request: PicturedRequest | undefined, { example }: { example: string | undefined }): string[] {
  const commands = example === undefined ? [] : [`hostfactory explain ${example}`];
  if (!request) return commands;
  commands.push(`hostfactory admin list-machines --request ${request.id}`);
  if (request.kind === "request") commands.push(`hostfactory history --request ${request.id}`);
  return commands;
}
