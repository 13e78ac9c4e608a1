import { type Command, InvalidArgumentError, Option } from "commander";
import type { SortKey } from "../admin/choose_machines.ts";
import type { ReadAccess } from "../admin/open_picture.ts";
import type { PicturedMachine } from "../admin/picture_of_machine.ts";
import type { PicturedRequest } from "../admin/picture_of_requests.ts";
import type { PicturedService } from "../admin/picture_of_service.ts";
import { epochSeconds } from "../clock.ts";
import { isMachineState, MACHINE_STATES, type MachineState } from "../hf/status.ts";
import { plainLine } from "../plain_text.ts";
import { ageText, agoText } from "./age.ts";
import { configure } from "./cli.ts";
import type { Call } from "./command.ts";
import { type ListFormat, listFormat, listFormatOption, writeList } from "./listing.ts";
import { age, words } from "./options.ts";
import { errorIsTerminal, writeError } from "./output.ts";

export interface ListOptions {
  output?: ListFormat;
  state?: MachineState[];
  template?: string[];
  node?: string[];
  request?: string[];
  olderThan?: number;
  youngerThan?: number;
  sort: SortKey;
  all?: boolean;
  returns?: boolean;
}

export function declareLists(command: Command): void {
  const machines = command.command("list-machines").description("Machines, their states, and what they wait for")
    .option("--state <states>", `in these states: ${MACHINE_STATES.join(", ")}`, machineStates)
    .option("--node <names>", "on these nodes", words)
    .addOption(
      new Option("--sort <key>", "by what to sort").choices(["name", "state", "age", "template", "node"])
        .default("name"),
    );
  const requests = command.command("list-requests").description("Requests, and how far they are")
    .option("--returns", "return requests in place of requests");
  for (const list of [machines, requests]) {
    list.option("--template <ids>", "of these templates", words)
      .option("--request <ids>", "of these requests or return requests", words)
      .addOption(new Option("--older-than <time>", "30s, 4m10s, 2h, 7d or more in its state").argParser(age))
      .addOption(new Option("--younger-than <time>", "as long, or less").argParser(age))
      .option("--all", "with those that were over more than an hour ago; names, without filters, are always all")
      .addOption(listFormatOption());
  }
}

function machineStates(text: string): MachineState[] {
  return words(text).map((word) => {
    if (isMachineState(word)) return word;
    throw new InvalidArgumentError(`The states are ${MACHINE_STATES.join(", ")}.`);
  });
}

function hasFilter({ state, template, node, request, olderThan, youngerThan, sort }: ListOptions): boolean {
  const filters = [state, template, node, request, olderThan, youngerThan];
  return filters.some((one) => one !== undefined) || (sort !== undefined && sort !== "name");
}

async function open(call: Call<ListOptions>) {
  const config = configure(call, { defaultLogLevel: "warning" });
  const { openPicture, openForReading } = await import("../admin/open_picture.ts");
  const { allMachineNames, allRequestIds } = await import("../admin/machine_names.ts");
  const choose = await import("../admin/choose_machines.ts");
  return { access: openForReading(config, call.cli), openPicture, allMachineNames, allRequestIds, ...choose };
}

export async function listMachines(call: Call<ListOptions>): Promise<void> {
  const { options } = call;
  const format = listFormat(options.output);
  const { access, openPicture, allMachineNames, chooseMachines } = await open(call);
  if (format === "name" && !hasFilter(options)) {
    return await writeNames(access, allMachineNames(access.workdir), "machine");
  }
  const picture = await openPicture(access, { everything: options.all ?? false, isOnly: true }).take();
  const { at, service } = picture;
  const filter = { ...options, states: options.state, ...filterOf(options), nodes: options.node };
  const machines = chooseMachines(picture.machines, filter, { now: at, sort: options.sort });
  await writeList(format, {
    names: () => machines.map(({ name }) => name),
    table: (isWide) => machineTable(machines, { isWide, now: at }),
    document: () => ({ at, heardAt: service.heardAt, machines }),
  });
  if (machines.length === 0) tellNone("machine", options);
  tellAge(service, at, format);
}

export async function listRequests(call: Call<ListOptions>): Promise<void> {
  const { options } = call;
  const format = listFormat(options.output);
  const { access, openPicture, allRequestIds, chooseRequests } = await open(call);
  const { returns = false } = options;
  const what = returns ? "return request" : "request";
  if (format === "name" && !hasFilter(options)) {
    return await writeNames(access, allRequestIds(access.workdir, { returns }), what);
  }
  const picture = await openPicture(access, { everything: options.all ?? false, isBrief: true, isOnly: true }).take();
  const { at, service } = picture;
  const listed = returns ? picture.returns : picture.requests;
  const requests = chooseRequests(listed, { ...options, ...filterOf(options) }, { now: at });
  await writeList(format, {
    names: () => requests.map(({ id }) => id),
    table: (isWide) => requestTable(requests, { isWide, now: at, returns }),
    document: () => ({ at, heardAt: service.heardAt, requests }),
  });
  if (requests.length === 0) tellNone(what, options);
  tellAge(service, at, format);
}

function filterOf({ template, request }: ListOptions) {
  return { templates: template, requests: request };
}

/**
 * Prints only names, as the legacy plug-in does. Further remarks are for a person at a terminal; scripts get nothing
 * else.
 */
async function writeNames({ workdir, clock }: ReadAccess, names: readonly string[], what: string): Promise<void> {
  await writeList("name", { names: () => names, table: () => [], document: () => names });
  if (names.length === 0) tellNone(what, { all: true, sort: "name" });
  if (!errorIsTerminal()) return;
  const { lookAtService } = await import("../admin/picture_of_service.ts");
  tellAge(lookAtService(workdir, clock.now()).service, epochSeconds(clock.now()), "name");
}

/** Tells a person that the list is empty, which would otherwise look like a failure. */
function tellNone(what: string, options: ListOptions): void {
  const fitting = hasFilter({ ...options, sort: "name" }) ? " that fits" : "";
  const others = options.all ? "" : "; --all shows those that were over long ago, too";
  if (errorIsTerminal()) writeError(`hostfactory: there is no ${what}${fitting}${others}`);
}

/** Warns people on standard error if the list may be out of date. */
function tellAge({ notServed, doubt, heardAt }: PicturedService, now: number, format: ListFormat): void {
  const why = notServed ?? doubt;
  if (why === undefined || format === "json" || format === "yaml") return;
  const age = heardAt === undefined ? "may be old" : `is ${agoText(now, heardAt)} old`;
  writeError(`hostfactory: what is shown ${age}: ${why}`);
}

function machineTable(
  machines: readonly PicturedMachine[],
  { isWide, now }: { isWide: boolean; now: number },
): string[][] {
  const more = ["REQUEST", "ADDRESS", "ZONE", "POD", "RETURN"];
  const head = ["NAME", "STATE", "AGE", "TEMPLATE", "NODE", ...(isWide ? more : []), "WHY"];
  return [
    head,
    ...machines.map((machine) => {
      const { name, state, since, templateId, node, requestId, address, zone, uid, returnId } = machine;
      const wide = isWide ? [requestId, textOf(address), textOf(zone), textOf(uid), returnId ?? "-"] : [];
      return [
        name,
        state,
        agoText(now, since),
        textOf(templateId),
        textOf(node),
        ...wide,
        plainLine(why(machine, now)),
      ];
    }),
  ];
}

/** A value that another program has written, and that may be missing. */
function textOf(text: string): string {
  return plainLine(text) || "-";
}

function why({ waitsFor, message, state, returnId, until, goneAt }: PicturedMachine, now: number): string {
  if (waitsFor !== undefined) {
    return until === undefined ? waitsFor : `${waitsFor} (given up in ${ageText(until - now)})`;
  }
  if (message !== "") return message;
  if (goneAt !== undefined) return `its pod is being deleted, gone in ${ageText(goneAt - now)}`;
  return returnId !== undefined && state !== "deleted" ? "given back" : "";
}

function requestTable(
  requests: readonly PicturedRequest[],
  { isWide, now, returns }: { isWide: boolean; now: number; returns: boolean },
): string[][] {
  const counts = returns ? ["GONE", "LEFT"] : ["UP", "WAITING", "FAILED"];
  const template = returns ? [] : ["TEMPLATE"];
  const head = ["ID", ...template, "STATUS", "AGE", "MACHINES", ...counts, ...(isWide ? ["LEFT-TIME", "OVER"] : [])];
  return [
    head,
    ...requests.map(({ id, templateId, status, requestedAt, machines, counts, until, endedAt }) => {
      const { executing, succeed, fail } = counts;
      const numbers = returns ? [succeed, executing] : [succeed, executing, fail];
      const times = [until === undefined ? "-" : ageText(until - now), agoText(now, endedAt)];
      return [
        id,
        ...(returns ? [] : [plainLine(templateId)]),
        status,
        agoText(now, requestedAt),
        ...[machines, ...numbers].map(String),
        ...(isWide ? times : []),
      ];
    }),
  ];
}
