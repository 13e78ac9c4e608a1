import { mostCommon, withoutNode } from "../src/machine/most_common.ts";
import type { ApiSection, EventRow, ExtensionRow, NodeRow, RequestRow, TemplateRow } from "../src/page/messages.ts";
import { element, remark, table } from "./element.ts";
import type { Machine } from "./machine.ts";
import { ago, amount, clockTime, count, lengthOf, within } from "./words.ts";

/** What a click in a panel does. */
export interface Links {
  /** Opens a machine. */
  open(name: string): void;
  /** Searches for the machines that contain this text. */
  search(text: string): void;
}

/** How many entries of a list are shown; the rest are counted. */
const MOST_ROWS = 12;

/** How many different reasons are shown for each kind of failure. */
const MOST_REASONS = 3;

/** A name as a button that follows it. */
export function nameButton(name: string, follow: (name: string) => void): HTMLElement {
  return element("button", { type: "button", class: "name", click: () => follow(name) }, name);
}

export function requestsPanel(
  requests: readonly RequestRow[],
  { now, search }: Pick<Links, "search"> & { now: number },
) {
  if (requests.length === 0) return [remark("Symphony has asked for no machines in the last hour.")];
  const shown = requests.slice(0, MOST_ROWS).map((request) => requestPart(request, { now, search }));
  return [...shown, ...rest(requests.length, "request")];
}

function requestPart(request: RequestRow, { now, search }: Pick<Links, "search"> & { now: number }): HTMLElement {
  const { id, kind, templateId } = request;
  const what = kind === "request" ? `${templateId}` : "given back";
  const facts = [progressText(request), waitsText(request), untilText(request, now)];
  return element(
    "div",
    { class: "request" },
    element(
      "div",
      { class: "head" },
      nameButton(id, search),
      element("span", {}, what),
      element("span", { class: "right" }, timesText(request, now)),
    ),
    progressBar(request),
    element("p", {}, facts.filter(Boolean).join(" · ")),
  );
}

/** A bar with two parts: what is done, and what has failed. */
function progressBar(request: RequestRow): HTMLElement {
  const { id, machines, done, failed } = request;
  const doneBar = element("i", { class: "done" });
  const failedBar = element("i", { class: "failed" });
  doneBar.style.width = `${100 * done / Math.max(1, machines)}%`;
  failedBar.style.width = `${100 * failed / Math.max(1, machines)}%`;
  return element(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "aria-label": `${id}: ${progressText(request)}`,
      "aria-valuemin": 0,
      "aria-valuemax": machines,
      "aria-valuenow": done + failed,
    },
    doneBar,
    failedBar,
  );
}

/** How many machines are still to come or to go. */
function leftOf({ machines, done, failed }: RequestRow): number {
  return machines - done - failed;
}

/** `3 wait: image pulls`, or `3 to go`; empty if none is left. */
function waitsText(request: RequestRow): string {
  const { kind, waitsFor } = request;
  const left = leftOf(request);
  if (left <= 0) return "";
  return `${amount(left)} ${kind === "request" ? "wait" : "to go"}${waitsFor ? `: ${waitsFor}` : ""}`;
}

/** `settled in 5 min at the latest`; empty if no machine is left, or if there is no limit. */
function untilText(request: RequestRow, now: number): string {
  const { until } = request;
  if (until === null || leftOf(request) === 0) return "";
  return until < now ? "overdue" : `settled ${within(until, now)} at the latest`;
}

/** `42 of 60 up, 10 given back, 8 failed` */
function progressText({ kind, machines, done, failed, returned }: RequestRow): string {
  const goal = kind === "request" ? "up" : "gone";
  return [
    `${amount(done - returned)} of ${amount(machines)} ${goal}`,
    returned > 0 ? `${amount(returned)} given back` : "",
    failed > 0 ? `${amount(failed)} failed` : "",
  ].filter(Boolean).join(", ");
}

/**
 * How long ago it was asked for, and once a twentieth of it is done, how long the rest will take at that pace: before
 * that, an estimate says little, as does one beyond the time at which all is settled.
 */
function timesText(request: RequestRow, now: number): string {
  const { requestedAt, machines, done, returned, until } = request;
  if (requestedAt === null) return "";
  const asked = `asked for ${ago(requestedAt, now)}`;
  const well = done - returned; // What was given back may never have been up.
  if (leftOf(request) === 0 || well < machines / 20) return asked;
  const seconds = (now - requestedAt) / well * leftOf(request);
  return until !== null && now + seconds > until ? asked : `${asked}, about ${lengthOf(seconds)} left`;
}

/** The failures of the last hour by kind, each with its latest reasons and an example machine for each reason. */
export function failuresPanel(
  machines: Iterable<Machine>,
  { now, open }: Pick<Links, "open"> & { now: number },
): HTMLElement[] {
  const kinds = new Map<string, Machine[]>();
  for (const machine of machines) {
    if (machine.failure === "" || machine.since === null || now - machine.since > 3_600) continue;
    const others = kinds.get(machine.failure);
    if (others) others.push(machine);
    else kinds.set(machine.failure, [machine]);
  }
  if (kinds.size === 0) return [remark("No machine has failed in the last hour.")];
  return [...kinds].sort(([, a], [, b]) => b.length - a.length).flatMap(([kind, failed]) => {
    const reasons = Map.groupBy(
      failed.sort((a, b) => (b.since ?? 0) - (a.since ?? 0)),
      ({ reason }) => withoutNode(reason),
    );
    const shown = [...reasons].slice(0, MOST_REASONS);
    const items = shown.map(([, all]) => reasonItem(all, { now, open }));
    const others = shown.reduce((left, [, all]) => left - all.length, failed.length);
    return [
      element("h3", {}, `${kind.replaceAll("_", " ")}: ${count(failed.length, "machine")}`),
      element("ul", { class: "reasons" }, ...items),
      ...others > 0 ? [remark(`and ${count(others, "machine")} more for other reasons`, "more")] : [],
    ];
  });
}

/** @param machines those that failed for one reason, the latest first */
function reasonItem(machines: Machine[], { now, open }: Pick<Links, "open"> & { now: number }): HTMLElement {
  const [latest, ...others] = machines;
  const reason = mostCommon(machines.map(({ reason }) => reason))?.text ?? "";
  const more = others.length > 0 ? `, and ${amount(others.length)} more` : "";
  const example = latest ? [nameButton(latest.name, open), `, ${ago(latest.since, now)}${more}`] : [];
  return element("li", {}, element("p", {}, reason), element("p", { class: "more" }, ...example));
}

export function templatesPanel(templates: readonly TemplateRow[], { search }: Pick<Links, "search">): HTMLElement[] {
  if (templates.length === 0) return [remark("No template is known.")];
  const rows = templates.slice(0, MOST_ROWS).map(({ templateId, running, waiting, failed, room }) => [
    nameButton(templateId, search),
    amount(running),
    amount(waiting),
    amount(failed),
    room === null ? "no limit" : amount(room),
  ]);
  return [
    table(["template", "#running", "#waiting", "#failed, 1 h", "#room"], rows),
    ...rest(templates.length, "template"),
  ];
}

export function nodesPanel(
  nodes: readonly NodeRow[],
  { now, machines, search }: Pick<Links, "search"> & { now: number; machines: Iterable<Machine> },
): HTMLElement[] {
  if (nodes.length === 0) return [remark("No node with machines is known to be about to go.")];
  const on = new Map<string, number>();
  for (const { node, state } of machines) {
    if (state === "running" || state === "pending") on.set(node, (on.get(node) ?? 0) + 1);
  }
  const rows = nodes.slice(0, MOST_ROWS).map(({ name, reason, goneAt }) => [
    nameButton(name, search),
    amount(on.get(name) ?? 0),
    reason,
    goneAt === null ? "not known" : within(goneAt, now),
  ]);
  return [table(["node", "#machines", "it is", "gone"], rows), ...rest(nodes.length, "node")];
}

export function apiPanel({ calls, watches, backlog }: ApiSection): HTMLElement[] {
  const called = calls.map(({ call, ok, failed, meanSeconds }) => [
    call,
    amount(ok),
    amount(failed),
    meanSeconds < 0 ? "" : `${Math.round(meanSeconds * 1_000)} ms`,
  ]);
  const heard = watches.map(({ resource, age }) =>
    `${resource}: ${age < 0 ? "not yet" : age < 5 ? "now" : `${lengthOf(age)} ago`}`
  );
  return [
    ...called.length === 0 ? [remark("The API server has not been called yet.")] : [
      table(["call", "#well", "#failed", "#on average"], called),
      remark(`Heard from it: ${heard.join(", ")}.`, "more"),
    ],
    element("h3", {}, "Backlog"),
    backlog.length === 0
      ? remark("Nothing waits.")
      : table(["what", "#how many"], backlog.map(({ name, count }) => [name, amount(count)])),
  ];
}

export function extensionsPanel(extensions: readonly ExtensionRow[]): HTMLElement[] {
  if (extensions.length === 0) return [remark("No extension is registered.")];
  const rows = extensions.map(({ name, hooks, isLeftAlone }) => [
    name,
    hooks.join(", "),
    isLeftAlone ? "does not answer, and is left alone for a while" : "",
  ]);
  return [table(["extension", "called for", "trouble"], rows)];
}

export function eventsPanel(
  events: readonly EventRow[],
  { now, open, search, isMachine }: Links & { now: number; isMachine: (id: string) => boolean },
): HTMLElement[] {
  if (events.length === 0) return [remark("Nothing has happened in the last quarter of an hour.")];
  const rows = events.slice(0, 20).map(({ at, id, what }) => [
    clockTime(at, now),
    id === "" ? "" : nameButton(id, isMachine(id) ? open : search),
    what,
  ]);
  return [table(["time", "name", "what"], rows)];
}

function rest(all: number, what: string): HTMLElement[] {
  return all > MOST_ROWS ? [remark(`and ${count(all - MOST_ROWS, what)} more: search for one above`, "more")] : [];
}
