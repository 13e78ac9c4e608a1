/** How text is laid out for people: wrapped between words, in columns, cut to what fits. Widths are in characters. */

/**
 * Wraps text between words. A word that is longer than a line stays whole, on a line of its own.
 * @param options `indent`: put before each line; `hanging`: before each but the first, in place of `indent`
 */
export function wrapText(
  text: string,
  { width, indent = "", hanging = indent }: { width: number; indent?: string; hanging?: string },
): string {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of text.split(" ").filter((word) => word !== "")) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = hanging;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].map((one) => `${one.trimEnd()}\n`).join("");
}

/**
 * Rows in columns, two blanks apart, each line with its newline; numbers are aligned right.
 * @param options `width`: longer lines are cut
 */
export function tableText(rows: readonly (readonly string[])[], { width = Infinity }: { width?: number } = {}): string {
  const columns = Math.max(0, ...rows.slice(0, 1).map((row) => row.length));
  const shapes = Array.from({ length: columns }, (_, column) => shapeOf(rows, column));
  let text = "";
  for (const row of rows) {
    let line = "";
    for (let column = 0; column < columns; column++) {
      const cell = row[column] ?? "";
      const { width, isNumber } = shapes[column]!;
      if (column > 0) line += "  ";
      line += isNumber ? cell.padStart(width) : cell.padEnd(width);
    }
    text += `${cutText(line.trimEnd(), width)}\n`;
  }
  return text;
}

/** The first row is the heads. */
function shapeOf(rows: readonly (readonly string[])[], column: number): { width: number; isNumber: boolean } {
  let width = 0;
  let isNumber = true;
  let hasNumber = false;
  for (let i = 0; i < rows.length; i++) {
    const cell = rows[i]![column] ?? "";
    width = Math.max(width, cell.length);
    if (i === 0 || !isNumber || cell === "" || cell === "-") continue;
    isNumber = hasNumber = /^-?\d[\d,]*(\.\d+)?%?$/.test(cell);
  }
  return { width, isNumber: hasNumber };
}

/** Cuts text to fit a line, with an ellipsis at its end if needed. */
export function cutText(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? "" : `${text.slice(0, width - 1)}…`;
}
