import type { Command, HelpConfiguration } from "commander";
import { HELP_TEXTS } from "./help_texts.ts";
import { wrapText } from "./layout.ts";

/** If there is room for fewer characters than this beside a term, its description goes below it. */
const LEAST_BESIDE = 36;

/** Help is not wider than this, in characters, even on wide terminals. */
const WIDEST = 100;

/** Lays out help for any width of terminal without breaking words. @param width characters in a line */
export function helpLayout(width: number): HelpConfiguration {
  const helpWidth = Math.min(width, WIDEST);
  return {
    helpWidth,
    minWidthToWrap: 1,
    styleUsage: (usage) => wrapText(`Usage: ${usage}`, { width: helpWidth, hanging: "  " }).slice(7).trimEnd(),
    formatItem(term, termWidth, description) {
      const beside = termWidth + 4;
      if (description === "") return `  ${term}`;
      if (helpWidth - beside >= LEAST_BESIDE) {
        const text = wrapText(description, { width: helpWidth, indent: " ".repeat(beside) });
        return `  ${term.padEnd(termWidth)}  ${text.trim()}`;
      }
      const below = wrapText(description, { width: helpWidth, indent: "      " }).trimEnd();
      return `${wrapText(term, { width: helpWidth, indent: "  ", hanging: "    " })}${below}`;
    },
  };
}

/** The part of a command's help below its options: input, examples, exit statuses. @param path the command's words */
export function addHelpTexts(command: Command, path: readonly string[], width: number): void {
  const text = HELP_TEXTS[path.join(" ")] ?? { examples: [] };
  const helpWidth = Math.min(width, WIDEST);
  command.addHelpText("after", () => {
    const lines: string[] = [];
    const paragraph = (text: string, indent: string, hanging = indent) =>
      lines.push(wrapText(text, { width: helpWidth, indent, hanging }));
    if (text.input !== undefined) {
      lines.push("\nInput:\n");
      paragraph(text.input, "  ");
    }
    if (text.examples.length > 0) lines.push("\nExamples:\n");
    for (const [command, purpose] of text.examples) {
      paragraph(command, "  ", "    ");
      paragraph(purpose, "      ");
    }
    lines.push("\nExit status:\n");
    const special = new Map(text.exits);
    const exits = [[0, "done"], [1, "it failed, and says why"], [2, "the command line is wrong"]] as const;
    for (const [code, meaning] of exits) paragraph(special.get(code) ?? meaning, `  ${code}  `, "     ");
    for (const [code, meaning] of special) if (code > 2) paragraph(meaning, `  ${code}  `, "     ");
    if (path.length > 0) {
      lines.push("\n");
      paragraph("Options of every command: see 'hostfactory help'", "");
    }
    return lines.join("").trimEnd();
  });
}
