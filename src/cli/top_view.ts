import type { Explanation } from "../admin/explanation.ts";
import type { Picture } from "../admin/picture.ts";
import type { PicturedMachine } from "../admin/picture_of_machine.ts";
import type { SortKey } from "../admin/choose_machines.ts";
import type { GridStatus } from "../admin/status.ts";
import { plainLine } from "../plain_text.ts";
import { agoText } from "./age.ts";
import { explanationText } from "./explain.ts";
import { cutText, tableText } from "./layout.ts";
import type { StyledText } from "./output.ts";

const SORTS: readonly SortKey[] = ["name", "state", "age", "template", "node"];

/** The state of the view, which keys change. */
export interface TopView {
  sort: SortKey;
  /** Only machines with this in their name, state, template, node or reason. */
  filter: string;
  /** The filter is being typed. */
  isTyping: boolean;
  /** Which line of the list is chosen, from 0. */
  chosen: number;
  /** The machine whose timeline is shown, and its first line on the screen. */
  opened: string | undefined;
  scrolled: number;
  isHelp: boolean;
}

export const FIRST_VIEW: TopView = {
  sort: "name",
  filter: "",
  isTyping: false,
  chosen: 0,
  opened: undefined,
  scrolled: 0,
  isHelp: false,
};

/** The view after a key; `quit` if the key ends it. @param machines the listed machines */
export function afterKey(view: TopView, key: string, machines: readonly PicturedMachine[]): TopView | "quit" {
  if (key === "interrupt") return "quit";
  if (view.isTyping) return afterTyping(view, key);
  if (view.isHelp) return { ...view, isHelp: false };
  if (key === "q") return "quit";
  if (key === "h" || key === "?") return { ...view, isHelp: true };
  const by = STEPS[key];
  if (view.opened !== undefined) {
    if (key === "escape" || key === "enter" || key === "backspace") return { ...view, opened: undefined, scrolled: 0 };
    return by === undefined ? view : { ...view, scrolled: Math.max(0, view.scrolled + by) };
  }
  if (by !== undefined) {
    return { ...view, chosen: Math.max(0, Math.min(machines.length - 1, view.chosen + by)) };
  }
  switch (key) {
    case "s":
      return { ...view, sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length]! };
    case "/":
      return { ...view, isTyping: true };
    case "escape":
      return { ...view, filter: "", chosen: 0 };
    case "enter":
      return { ...view, opened: machines[view.chosen]?.name };
    default:
      return view;
  }
}

const STEPS: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, "page up": -10, "page down": 10 };

function afterTyping(view: TopView, key: string): TopView {
  switch (key) {
    case "enter":
      return { ...view, isTyping: false };
    case "escape":
      return { ...view, isTyping: false, filter: "", chosen: 0 };
    case "backspace":
      return { ...view, filter: view.filter.slice(0, -1), chosen: 0 };
    default:
      return key.length === 1 && key >= " " ? { ...view, filter: view.filter + key, chosen: 0 } : view;
  }
}

/** True for a machine that the filter lets through. */
export function isShown(
  { name, state, templateId, node, waitsFor, message }: PicturedMachine,
  filter: string,
): boolean {
  if (filter === "") return true;
  const wanted = filter.toLowerCase();
  return [name, state, templateId, node, waitsFor ?? "", message].some((text) => text.toLowerCase().includes(wanted));
}

/** What a screen shows. */
export interface TopContent {
  picture: Picture;
  status: GridStatus;
  /** Those that are listed, in order. */
  machines: readonly PicturedMachine[];
  explanation: Explanation | undefined;
  /** Seconds since the epoch; the picture may be older. */
  now: number;
}

/** The lines of the screen, cut to its width and height. */
export function topScreen(
  content: TopContent,
  view: TopView,
  { columns, rows }: { columns: number; rows: number },
): StyledText[][] {
  const body = view.isHelp
    ? HELP.map((text) => [{ text }])
    : content.explanation
    ? linesOf(explanationText(content.explanation, columns)).slice(view.scrolled)
    : listLines(content, view, { columns, rows });
  const lines = body.slice(0, rows - 1);
  while (lines.length < rows - 1) lines.push([]);
  const foot = view.isTyping
    ? `/${view.filter}█  Enter keeps, Esc drops`
    : view.opened !== undefined
    ? "Esc back  j k scroll  q quit"
    : `q quit  s sort: ${view.sort}  / filter${view.filter === "" ? "" : `: ${view.filter}`}  Enter open  h help`;
  return [...lines, [{ text: foot, style: "faint" as const }]].map((parts) => cutParts(parts, columns));
}

const HELP = [
  "Keys",
  "",
  "j k arrows  choose a machine",
  "PgUp PgDn   ten at once",
  "Enter       its life; Esc back",
  "s           sort by the next key",
  "/           filter: type, Enter",
  "Esc         drop the filter",
  "q           quit",
];

function listLines(
  { picture, status, machines, now }: TopContent,
  view: TopView,
  { columns, rows }: { columns: number; rows: number },
): StyledText[][] {
  const { service, at } = picture;
  const verdicts = { well: "All is well", trouble: "Trouble", "not served": "Not served" };
  const style = status.verdict === "well" ? "bold" : status.verdict === "trouble" ? "yellow" : "red";
  const count = (state: string) => picture.machines.filter((machine) => machine.state === state).length;
  const waiting = picture.machines.filter(({ waitsFor }) => waitsFor !== undefined).length;
  const heard = service.heardAt === undefined ? "never heard" : `heard ${agoText(now, service.heardAt)} ago`;
  const lines: StyledText[][] = [
    [
      { text: verdicts[status.verdict], style },
      { text: `  ${count("running")} running, ${waiting} waiting, ${count("failed") + count("deleted")} ended` },
    ],
    [{ text: `${heard}, looked ${agoText(now, at)} ago`, style: "faint" }],
  ];
  const [trouble] = status.troubles;
  if (trouble) lines.push([{ text: `! ${plainLine(trouble.what)}`, style: "yellow" }]);
  lines.push([]);
  const room = Math.max(1, rows - lines.length - 2);
  // The chosen one stays in sight.
  const first = Math.max(0, Math.min(view.chosen - Math.floor(room / 2), machines.length - room));
  const some = machines.slice(first, first + room);
  const isNarrow = columns < 70;
  const head = isNarrow ? ["NAME", "STATE", "AGE", "WHY"] : ["NAME", "STATE", "AGE", "TEMPLATE", "NODE", "WHY"];
  const table = tableText([
    head,
    ...some.map(({ name, state, since, templateId, node, waitsFor, message }) =>
      [name, state, agoText(now, since), ...(isNarrow ? [] : [templateId, node || "-"])]
        .map(plainLine).concat(plainLine(waitsFor ?? message))
    ),
  ]).trimEnd().split("\n");
  const [heads = "", ...texts] = table;
  lines.push([{ text: heads, style: "bold" }]);
  for (const [i, text] of texts.entries()) {
    lines.push([{ text, ...(first + i === view.chosen ? { style: "reverse" as const } : {}) }]);
  }
  if (machines.length === 0) lines.push([{ text: view.filter === "" ? "no machines" : "no machine fits the filter" }]);
  return lines;
}

/** Styled text, line by line. */
function linesOf(parts: readonly StyledText[]): StyledText[][] {
  const lines: StyledText[][] = [[]];
  for (const { text, ...style } of parts) {
    for (const [i, line] of text.split("\n").entries()) {
      if (i > 0) lines.push([]);
      if (line !== "") lines.at(-1)!.push({ text: line, ...style });
    }
  }
  return lines;
}

function cutParts(parts: readonly StyledText[], columns: number): StyledText[] {
  let left = columns;
  return parts.map((part) => {
    const text = cutText(part.text, left);
    left = Math.max(0, left - text.length);
    return { ...part, text };
  });
}
