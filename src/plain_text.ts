/**
 * What a terminal obeys, or what passes for the end of a line, and no newline: control characters, bidirectional controls
 * (source: Unicode, property Bidi_Control), line and paragraph separators.
 */
const SPECIAL = /[[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]--[\n]]/gv;

const LONE_SURROGATE = /\p{Cs}/gu;

/**
 * Text of one or more lines, with every character that could deceive a reader or drive a terminal as an escape: `\u001b`.
 * JSON text stays what it is: such characters only occur in its strings, unless it is indented with tabs.
 */
export function plainText(text: string): string {
  const plain = text.replace(SPECIAL, escaped);
  // Asked first because it costs much less than the search, which matters in the answers of verbs.
  return plain.isWellFormed() ? plain : plain.replace(LONE_SURROGATE, escaped);
}

/** The same as one line: newlines become blanks. */
export function plainLine(text: string): string {
  return plainText(text).replaceAll("\n", " ");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
