/** How text is laid out for people: wrapped between words, in columns, cut to what fits. Widths are in characters. */

/**
 * Text cut into lines that fit, between words; a word that is longer than a line stands alone and stays whole.
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

/** Rows in columns, two blanks apart, each line ended; numbers stand to the right. @param options `width`: longer lines are cut */
export function tableText(rows: readonly (readonly string[])[], { width = Infinity }: { width?: number } = {}): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, () => 0);
  const areNumbers = Array.from({ length: columns }, () => rows.length > 1);
  for (const [i, row] of rows.entries()) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column]!, cell.length);
      if (i > 0 && areNumbers[column] && !/^(\d[\d,.]*%?|-|)$/.test(cell)) areNumbers[column] = false;
    }
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) => areNumbers[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!));
    return `${cutText(cells.join("  ").trimEnd(), width)}\n`;
  }).join("");
}

/** Text that fits a line, its end replaced by an ellipsis if need be. */
export function cutText(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? "" : `${text.slice(0, width - 1)}…`;
}
