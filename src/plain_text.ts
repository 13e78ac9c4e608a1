/**
 * What a terminal obeys, or what passes for the end of a line, and no newline: control characters, bidirectional controls
 * (source: Unicode, property Bidi_Control), line and paragraph separators.
 */
const SPECIAL = /[[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]--[\n]]/gv;

const LONE_SURROGATE = /\p{Cs}/gu;

/** Text of one or more lines, with every character that could deceive a reader or drive a terminal as an escape: `\u001b`. */
export function plainText(text: string): string {
  return text.replace(SPECIAL, escaped).replace(LONE_SURROGATE, escaped);
}

/** The same as one line: newlines become blanks. */
export function plainLine(text: string): string {
  return plainText(text).replaceAll("\n", " ");
}

/**
 * The same of JSON text as `JSON.stringify` writes it, not indented with tabs: it stays JSON of the same value, for such
 * characters stand only within its strings.
 */
export function plainJson(json: string): string {
  // Of ASCII only DEL is left there. To ask that takes 2 ms for 10,000 machines, and the search 8 ms.
  const isAscii = new TextEncoder().encode(json).length === json.length;
  return isAscii && !json.includes("\x7f") ? json : plainText(json);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
