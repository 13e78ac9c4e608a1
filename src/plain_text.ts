/**
 * What drives a terminal, reorders text or passes for the end of a line: control characters, bidirectional controls (source:
 * Unicode, property Bidi_Control), line and paragraph separators. All but the newline.
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
  // JSON.stringify escapes all of these that are ASCII but DEL. With 10,000 machines this takes 2 ms, the search 8 ms.
  const isAscii = new TextEncoder().encode(json).length === json.length;
  return isAscii && !json.includes("\x7f") ? json : plainText(json);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
