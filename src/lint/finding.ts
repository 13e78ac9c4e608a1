import type { Severity } from "./rules.ts";

/** From the top of a document, the keys and indexes that lead to a value in it. */
export type Path = readonly (string | number)[];

/** One thing that is wrong, and where. */
export interface Finding {
  /** One of `RULES`, or `EXTENSION/RULE` for what the hook of an extension found. */
  rule: string;
  severity: Severity;
  /** The file as people and tools name it: relative to the current directory if it lies below that. */
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 code units. */
  column: number;
  /** A JSON pointer into the file; empty for the whole of it. */
  path: string;
  /** What is wrong. */
  message: string;
  /** What to do about it. */
  mend: string;
}

/** `spec.containers[0].image` for people; empty for the whole. */
export function fieldName(path: Path): string {
  return path.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("").replace(/^\./, "");
}
