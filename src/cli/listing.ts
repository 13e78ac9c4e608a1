import { Option } from "commander";
import { tableText } from "./layout.ts";
import { outputColumns, outputIsTerminal, writeJson, writeOutput } from "./output.ts";

/** The formats of lists. `name` is one name on each line, as in the legacy plug-in. */
export const LIST_FORMATS = ["table", "wide", "name", "json", "yaml"] as const;
export type ListFormat = typeof LIST_FORMATS[number];

/** The option `--output`. Default: a table on a terminal, names in a pipe. */
export function listFormatOption(): Option {
  return new Option("-o, --output <format>", "how to print it; default: table on a terminal, name in a pipe")
    .choices(LIST_FORMATS);
}

/** The format if none is given. */
export function listFormat(asked: ListFormat | undefined): ListFormat {
  return asked ?? (outputIsTerminal() ? "table" : "name");
}

/** A list in each of its formats. `table` returns the heads first, and is told whether it is to be wide. */
export interface Listed {
  names: () => readonly string[];
  table: (isWide: boolean) => string[][];
  document: () => object;
}

/** Prints a list. A table is cut to the width of the terminal, unless it is `wide`. */
export async function writeList(format: ListFormat, { names, table, document }: Listed): Promise<void> {
  if (format === "json" || format === "yaml") return await writeDocument(format, document());
  if (format === "name") return writeOutput(names().map((name) => `${name}\n`).join(""));
  const isWide = format === "wide";
  writeOutput(tableText(table(isWide), isWide ? {} : { width: outputColumns() }));
}

/** The formats of a single object. */
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
