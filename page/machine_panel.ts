import type { Explained } from "../src/page/messages.ts";
import { element, remark } from "./element.ts";
import { isLeaving, type Machine, stateText } from "./machine.ts";
import { type Colours, swatch } from "./marks.ts";
import { ago, clockTime, within } from "./words.ts";

/** What the panel shows: a machine, a request, a return request or a node. */
export interface MachinePanelOptions {
  name: string;
  /** Absent if it is not a machine of the picture. */
  machine: Machine | undefined;
  /** Absent while they are fetched; a text: why they cannot be fetched. */
  details: Explained | string | undefined;
  colours: Colours;
  now: number;
  close(): void;
  search(text: string): void;
}

/** Facts whose values are buttons that search for all machines with the same value. */
const SEARCHED = ["request", "template", "node", "return request"];

/** All that is known of one machine. */
export function machinePanel(options: MachinePanelOptions): HTMLElement[] {
  const { name, machine, details, colours, now, close } = options;
  return [
    element("button", { type: "button", class: "close", click: close, title: "Esc" }, "Close"),
    element("h2", { id: "machine-title", tabindex: -1 }, name),
    ...machine ? [stated(machine, { colours, now })] : [],
    ...typeof details === "object" ? explained(details, options) : [remark(details ?? "It is being looked up.")],
  ];
}

/** The state in the picture, which is newer than the details: pictures arrive each second. */
function stated(machine: Machine, { colours, now }: { colours: Colours; now: number }): HTMLElement {
  const { state, until, goneAt } = machine;
  const words = [
    stateText(machine, now),
    isLeaving(machine) ? "on its way out" : "",
    until === null || until < now ? "" : `given up ${within(until, now)} at the latest`,
    goneAt === null || state === "deleted"
      ? ""
      : goneAt < now
      ? `should have been gone ${ago(goneAt, now)}`
      : `gone ${within(goneAt, now)}`,
  ];
  return element("p", { class: "state" }, swatch(state, colours), words.filter(Boolean).join(", "));
}

function explained(details: Explained, { now, search }: MachinePanelOptions): HTMLElement[] {
  const { now: sentence, matter, facts, timeline, next, doubt, gap } = details;
  return [
    element("p", {}, sentence),
    ...matter === undefined ? [] : [element("p", {}, `Whose matter that is: ${matter}.`)],
    ...doubt === undefined ? [] : [element("p", { class: "doubt" }, `This may be old. ${doubt}`)],
    element(
      "dl",
      {},
      ...Object.entries(facts).flatMap(([fact, value]) => [
        element("dt", {}, fact),
        element("dd", {}, SEARCHED.includes(fact) ? searched(value, search) : value),
      ]),
    ),
    element("h3", {}, "What happened"),
    ...gap === undefined ? [] : [element("p", { class: "doubt" }, `What events tell is missing. ${gap}`)],
    timeline.length === 0
      ? remark("Nothing is recorded of it.")
      : element("ol", { class: "timeline" }, ...timeline.map((step) => stepItem(step, now))),
    element("h3", {}, "Try next"),
    ...next.map((command) => element("pre", {}, command)),
  ];
}

function searched(text: string, search: (text: string) => void): HTMLElement {
  return element("button", { type: "button", class: "name", click: () => search(text) }, text);
}

function stepItem({ at, what, words }: Explained["timeline"][number], now: number): HTMLElement {
  const time = element("time", { datetime: new Date(at * 1_000).toISOString() }, clockTime(at, now));
  return element("li", {}, time, words === "" ? what : `${what}: ${words}`);
}
