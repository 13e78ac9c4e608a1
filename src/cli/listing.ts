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
  if (format === "json" || format === "yaml") return await writeDocument(format, document());
  if (format === "name") return writeOutput(names().map((name) => `${name}\n`).join(""));
  const isWide = format === "wide";
  writeOutput(tableText(table(isWide), isWide ? {} : { width: outputColumns() }));
}

/** How one thing is printed. */
const DOCUMENT_FORMATS = ["text", "json", "yaml"] as const;
export type DocumentFormat = typeof DOCUMENT_FORMATS[number];

export function documentFormatOption(): Option {
  return new Option("-o, --output <format>", "how to print it").choices(DOCUMENT_FORMATS).default("text");
}

/** Prints something for programs. */
export async function writeDocument(format: "json" | "yaml", document: object): Promise<void> {
  if (format === "json") return writeJson(document, { indent: 2 });
  const { stringify } = await import("yaml");
  writeOutput(stringify(JSON.parse(JSON.stringify(document))));
}
