import { plainLine } from "../plain_text.ts";
import type { Entry } from "./account.ts";
import { listed, sentence } from "./sentence.ts";

/** A part of a text, with its style on a terminal. */
export interface Part {
  text: string;
  style?: "bold" | "faint" | "red" | "yellow";
}

/** How entries are shown. */
export interface LineLayout {
  /** Characters in a line. Longer sentences take several lines; `Infinity`: each takes one. */
  columns: number;
  /** Show the names of the machines. */
  isWide: boolean;
}

/** The styles of entries that should stand out, by status. */
const STYLES: Readonly<Record<string, Part["style"]>> = {
  failed: "red",
  away: "red",
  disrupted: "yellow",
  unknown: "yellow",
  timeout: "yellow",
};

/** The indent of the further lines of a sentence: the width of `16:14:05 `. */
const INDENT = 9;

/** The least width that a sentence is broken to, in characters. */
const NARROWEST = 16;

/** Shows entries as lines: by day, each with the time of this host. */
export class Lines {
  readonly #layout: LineLayout;
  #day = "";

  constructor(layout: LineLayout) {
    this.#layout = layout;
  }

  /** The lines of one more entry, after a line with its day if that is a new one. */
  of(entry: Entry): Part[] {
    const day = dayOf(entry.from);
    const head: Part[] = day === this.#day ? [] : [{ text: `${day}\n`, style: "bold" }];
    this.#day = day;
    const { columns, isWide } = this.#layout;
    const names = isWide && entry.category === "pod" ? `  [${listed(entry.ids)}]` : "";
    const [time, ...rest] = wrapped(`${timesOf(entry)} ${plainLine(sentence(entry) + names)}`, columns);
    const at = timesOf(entry).length;
    const style = STYLES[entry.what];
    const said = [time?.slice(at) ?? "", ...rest.map((line) => " ".repeat(INDENT) + line)].join("\n");
    return [...head, { text: timesOf(entry), style: "faint" }, { text: `${said}\n`, ...(style ? { style } : {}) }];
  }
}

/** An entry for programs: `docs/events.md` describes it. */
export function asDocument(entry: Entry): object {
  const { from, until, what, category, ids, template, reason, isOpen } = entry;
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  const end = isOpen ? {} : { until: iso(until) };
  return { from: iso(from), ...end, category, what, count: ids.length, template, reason, ids, text: sentence(entry) };
}

/** Breaks a text at its blanks into parts that fit. All parts but the first leave room for the indent. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (let rest = text; rest !== "";) {
    const room = Math.max(NARROWEST, columns - (lines.length > 0 ? INDENT : 0));
    const blank = rest.length <= room ? rest.length : rest.lastIndexOf(" ", room);
    // A word that is longer than a line is broken, too.
    const end = blank > 0 ? blank : room;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return lines;
}

function timesOf({ from, until, isOpen }: Entry): string {
  if (isOpen || until === from) return timeOf(from);
  return dayOf(until) === dayOf(from)
    ? `${timeOf(from)}–${timeOf(until)}`
    : `${timeOf(from)}–${dayOf(until)} ${timeOf(until)}`;
}

function dayOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
}

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
