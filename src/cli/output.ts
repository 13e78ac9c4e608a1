/**
 * Writes to standard output and standard error; no other code does. Lets no characters through that control a terminal.
 */
import type { Environment } from "../config.ts";
import { plainLine, plainText } from "../plain_text.ts";

/** Determined at the start, because a terminal that has been closed no longer counts as one. */
const isTerminal = Deno.stdout.isTerminal();

/** Writes a JSON document whole. A reader that has gone away is no error, here and below. */
export function writeJson(document: object, { indent }: { indent: number }): void {
  write(`${plainText(JSON.stringify(document, undefined, indent))}\n`);
}

/** Writes text whole. */
export function writeOutput(text: string): void {
  write(plainText(text));
}

/** Parameters of the styles (source: ECMA-48, "Select Graphic Rendition"). */
const STYLES = { bold: "1", faint: "2", red: "31", yellow: "33", blue: "34", reverse: "7" } as const;

/** A part of a text, with its style on a terminal. */
export interface StyledText {
  text: string;
  style?: keyof typeof STYLES;
}

/** True if the user wants no styles (source: no-color.org), or the terminal has none. */
export function isPlain(environment: Environment): boolean {
  return Boolean(environment["NO_COLOR"]) || isDumb(environment);
}

/** True for a terminal whose cursor does not move. */
export function isDumb(environment: Environment): boolean {
  return environment["TERM"] === "dumb";
}

/**
 * Writes text made of parts, with their styles if standard output is a terminal.
 * @param plain true: never with styles
 */
export function writeStyled(parts: readonly StyledText[], { plain }: { plain: boolean }): void {
  write(parts.map((part) => styled(part, plain || !isTerminal)).join(""));
}

/** Replaces the current line of a terminal by such text. */
export function overwriteLine(text: string): void {
  write(`\r\x1b[K${plainText(text)}`);
}

function write(text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

function isReaderGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    (isTerminal && error instanceof Error && "code" in error && error.code === "EIO");
}

/** Writes a line for people to standard error, and adds the newline. It is no error if it cannot be written. */
export function writeError(line: string): void {
  try {
    const bytes = new TextEncoder().encode(`${plainLine(line)}\n`);
    for (let written = 0; written < bytes.length;) written += Deno.stderr.writeSync(bytes.subarray(written));
  } catch {
    // There is no one left to tell.
  }
}

/** Uses the whole terminal for a picture that changes, and hides the cursor. Disposing restores it. */
export function takeScreen(): Disposable {
  write("\x1b[?1049h\x1b[?25l");
  return { [Symbol.dispose]: () => write("\x1b[?25h\x1b[?1049l") };
}

/** Draws a whole screen, line by line. @param plain true: without styles */
export function drawScreen(lines: readonly (readonly StyledText[])[], { plain }: { plain: boolean }): void {
  const text = lines.map((parts) => `${parts.map((part) => styled(part, plain)).join("")}\x1b[K`);
  write(`\x1b[H${text.join("\r\n")}\x1b[J`);
}

function styled({ text, style }: StyledText, plain: boolean): string {
  return plain || style === undefined ? plainText(text) : `\x1b[${STYLES[style]}m${plainText(text)}\x1b[0m`;
}

/** True if standard output is a terminal. */
export function outputIsTerminal(): boolean {
  return isTerminal;
}

/** True if standard error is a terminal, so that a person reads it, and not a script that mistakes it for output. */
export function errorIsTerminal(): boolean {
  return Deno.stderr.isTerminal();
}

/** How many characters fit in a line of standard output: a terminal's width, else `Infinity`. */
export function outputColumns(): number {
  return outputSize().columns;
}

/** The present size of the terminal on standard output; without a terminal, infinitely many columns and 24 rows. */
export function outputSize(): { columns: number; rows: number } {
  if (!isTerminal) return { columns: Infinity, rows: 24 };
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 }; // A terminal whose size was never set says 0.
  } catch {
    return { columns: 80, rows: 24 }; // The terminal does not report its size.
  }
}
