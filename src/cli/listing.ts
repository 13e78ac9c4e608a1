import { Option } from "commander";
import { tableText } from "./layout.ts";
import { outputColumns, outputIsTerminal, writeJson, writeOutput } from "./output.ts";

/** How a list is printed: `name` is one name a line, as the legacy plug-in has it. */
export const LIST_FORMATS = ["table", "wide", "name", "json", "yaml"] as const;
export type ListFormat = typeof LIST_FORMATS[number];

/** Without it, a table on a terminal, and names in a pipe. */
export function listFormatOption(): Option {
  return new Option("-o, --output <format>", "how to print it; default: table on a terminal, name in a pipe")
    .choices(LIST_FORMATS);
}

/** What is to be printed, if no format is asked for. */
export function listFormat(asked: ListFormat | undefined): ListFormat {
  return asked ?? (outputIsTerminal() ? "table" : "name");
}

/** A list in each of its forms; `table` has the heads first, and is asked whether it is to be wide. */
export interface Listed {
  names: () => readonly string[];
  table: (isWide: boolean) => string[][];
  document: () => object;
}

/** Prints a list. Beyond the width of a terminal a table is cut; `wide` is not. */
export async function writeList(format: ListFormat, { names, table, document }: Listed): Promise<void> {
  if (format === "json") return writeJson(document(), { indent: 2 });
  if (format === "yaml") return writeOutput(await yamlText(document()));
  if (format === "name") return writeOutput(names().map((name) => `${name}\n`).join(""));
  const isWide = format === "wide";
  writeOutput(tableText(table(isWide), isWide ? {} : { width: outputColumns() }));
}

async function yamlText(document: object): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(JSON.parse(JSON.stringify(document)));
}
