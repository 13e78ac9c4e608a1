import type { MachineDetails } from "../src/page/messages.ts";
import { element, remark } from "./element.ts";
import { isLeaving, type Machine } from "./machine.ts";
import { type Colours, swatch } from "./marks.ts";
import { ago, clockTime, within } from "./words.ts";

/** What the panel of one machine is made from. */
export interface MachinePanelOptions {
  name: string;
  /** Absent if the picture does not have it. */
  machine: Machine | undefined;
  /** Absent while it is fetched; a text: why it cannot be had. */
  details: MachineDetails | string | undefined;
  colours: Colours;
  now: number;
  close(): void;
  search(text: string): void;
}

/** All that is known of one machine. */
export function machinePanel(options: MachinePanelOptions): HTMLElement[] {
  const { name, machine, details, colours, now, close } = options;
  const title = element("h2", { id: "machine-title", tabindex: -1 }, name);
  return [
    element("button", { type: "button", class: "close", click: close, "aria-label": "Close (Esc)" }, "Close"),
    title,
    ...machine
      ? [facts(machine, { ...options, colours, now })]
      : [remark("It is not in the picture: it ended more than an hour ago, or never was.")],
    element("h3", {}, "What happened"),
    ...timeline(details, now),
    element("h3", {}, "In a terminal"),
    element("pre", { tabindex: 0 }, `hostfactory explain ${quoted(name)}`),
  ];
}

function facts(machine: Machine, { colours, now, search }: MachinePanelOptions): HTMLElement {
  const { state, since, requestId, templateId, node, zone, address, reason, until, returnId, goneAt, failure } =
    machine;
  const leaving = isLeaving(machine) ? ", on its way out" : "";
  const stated = element(
    "span",
    { class: "state" },
    swatch(state, colours),
    `${state}${leaving} ${since === null ? "" : `since ${ago(since, now).replace(/ ago$/, "")}`}`,
  );
  const link = (text: string) => element("button", { type: "button", class: "name", click: () => search(text) }, text);
  const rows: [string, Node | string | undefined][] = [
    ["State", stated],
    [failure ? "Why it failed" : state === "running" ? "Note" : "Waits for", reason || undefined],
    ["Given up", until === null ? undefined : within(until, now)],
    ["Request", link(requestId)],
    ["Template", link(templateId)],
    ["Node", node ? link(node) : undefined],
    ["Zone", zone || undefined],
    ["Address", address || undefined],
    ["Return request", returnId ? link(returnId) : undefined],
    ["Pod gone", goneAt === null ? undefined : within(goneAt, now)],
  ];
  return element(
    "dl",
    {},
    ...rows.flatMap(([term, said]) => said === undefined ? [] : [element("dt", {}, term), element("dd", {}, said)]),
  );
}

function timeline(details: MachineDetails | string | undefined, now: number): HTMLElement[] {
  if (details === undefined) return [remark("It is being looked up.")];
  if (typeof details === "string") return [remark(`It cannot be looked up: ${details}`)];
  if (details.timeline.length === 0) return [remark("No events are recorded of it.")];
  const items = details.timeline.map(({ at, what }) =>
    element("li", {}, element("time", { datetime: new Date(at * 1_000).toISOString() }, clockTime(at, now)), what)
  );
  return [element("ol", { class: "timeline" }, ...items)];
}

/** As a shell takes it whole. */
function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
