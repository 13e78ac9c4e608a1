import { describeError } from "../errors.ts";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { Finding, Path } from "./finding.ts";
import { formatPointer } from "../json_pointer.ts";
import { fieldName } from "./finding.ts";
import { type RuleId, RULES, type Severity } from "./rules.ts";

/** Limits of length and open brackets beyond which no line numbers are found: the parser would take too long. */
const LARGEST = 8 * 1024 * 1024;
const MOST_OPEN = 500;

/** How many characters of a key a message shows. */
const LONGEST_KEY = 200;

/** The parts of a finding beside rule and place. */
interface FindingOptions {
  /** Default: the rule's. */
  mend?: string;
  severity?: Severity;
}

/** A file that is being linted: its text, the document in it, and the place of each value. */
export class SourceFile {
  readonly file: string;
  readonly value: unknown;
  readonly #text: string;
  #parsed: { document: Document; lines: LineCounter } | undefined;

  /** @param file as findings are to name it */
  constructor(file: string, { text, value }: { text: string; value: unknown }) {
    this.file = file;
    this.value = value;
    this.#text = text;
  }

  /** A finding at the value that a path leads to, or as close to it as the file goes. */
  finding(rule: RuleId, path: Path, message: string, options: FindingOptions = {}): Finding {
    const { severity = RULES[rule].severity, mend = RULES[rule].mend } = options;
    return { rule, severity, file: this.file, ...this.positionOf(path), path: formatPointer(path), message, mend };
  }

  /** Findings on the text itself: keys that occur twice in an object of JSON. */
  duplicateKeys(): Finding[] {
    const { document, lines } = this.#parse() ?? {};
    const errors = document?.errors.filter(({ code }) => code === "DUPLICATE_KEY") ?? [];
    return errors.map(({ pos }) => {
      const [key = ""] = /^(?:"(?:[^"\\]|\\.)*"|[^\s:]+)/.exec(this.#text.slice(pos[0], pos[0] + LONGEST_KEY)) ?? [];
      const { line = 1, col = 1 } = lines?.linePos(pos[0]) ?? {};
      const finding = this.finding("duplicate-key", [], `the key ${key} stands twice, and the last one counts`);
      return { ...finding, line, column: col };
    });
  }

  /** Where the key or entry begins that a path leads to. */
  positionOf(path: Path): { line: number; column: number } {
    const { document, lines } = this.#parse() ?? {};
    if (!document || !lines) return { line: 1, column: 1 };
    const { line, col } = lines.linePos(offsetOf(document, path));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #parse(): { document: Document; lines: LineCounter } | undefined {
    if (!isParsable(this.#text)) return undefined;
    return this.#parsed ??= parse(this.#text);
  }
}

/** Where a text stops being JSON, or YAML. */
export function placeOfFault(text: string, { isJson }: { isJson: boolean }): { line: number; column: number } {
  const lines = new LineCounter();
  for (const { index } of text.matchAll(/^/gm)) lines.addNewLine(index);
  const offset = isJson ? offsetOfJsonFault(text) : isParsable(text) ? parse(text).document.errors[0]?.pos[0] ?? 0 : 0;
  const { line, col } = lines.linePos(Math.min(offset, text.length));
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The position of an error in JSON: from the runtime's message, else that of the shortest text which has the error. */
function offsetOfJsonFault(text: string): number {
  const position = /at position (\d+)/.exec(jsonFault(text))?.[1];
  if (position !== undefined) return Number(position);
  const isThere = (length: number) => jsonFault(text.slice(0, length)).startsWith("Unexpected token");
  let without = 0, withIt = text.length;
  if (!isThere(withIt)) return text.trimEnd().length;
  while (withIt - without > 1) {
    const middle = Math.floor((without + withIt) / 2);
    if (isThere(middle)) withIt = middle;
    else without = middle;
  }
  return withIt - 1;
}

/** The error of a text as JSON, in the runtime's words; empty if there is none. */
function jsonFault(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return describeError(error);
  }
}

/** The name of the field that a path leads to, for messages: `it` for the whole. */
export function named(path: Path): string {
  return path.length === 0 ? "it" : fieldName(path);
}

function parse(text: string): { document: Document; lines: LineCounter } {
  const lines = new LineCounter();
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true }), lines };
}

function isParsable(text: string): boolean {
  if (text.length > LARGEST) return false;
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === "[" || bracket === "{" ? 1 : -1;
    if (open > MOST_OPEN) return false;
  }
  return true;
}

function offsetOf(document: Document, path: Path): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq<Node>(node)) {
      const item: Node | undefined = node.items[Number(part)];
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}
