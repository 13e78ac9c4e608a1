/**
 * What drives a terminal, reorders text or passes for the end of a line: control characters, bidirectional controls (source:
 * Unicode, property Bidi_Control), line and paragraph separators. All but the newline.
 */
const SPECIAL = /[[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]--[\n]]/gv;

const LONE_SURROGATE = /\p{Cs}/gu;

/** Next to no text holds anything else; to look for that takes a tenth of what the above do. */
const NOT_PLAIN_ASCII = /[^\n -~]/;

/**
 * Text of one or more lines, with every character that could deceive a reader or drive a terminal as an escape: `\u001b`. JSON
 * text as `JSON.stringify` writes it, not indented with tabs, stays JSON of the same value, for such characters stand only within
 * its strings.
 */
export function plainText(text: string): string {
  return NOT_PLAIN_ASCII.test(text) ? text.replace(SPECIAL, escaped).replace(LONE_SURROGATE, escaped) : text;
}

/** The same as one line: newlines become blanks. */
export function plainLine(text: string): string {
  return plainText(text).replaceAll("\n", " ");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
