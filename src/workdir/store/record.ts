import * as v from "valibot";
import type { Workdir } from "./workdir.ts";

/** JSON can hold numbers that become infinite, which no answer can hold. */
export const FiniteNumber = v.pipe(v.number(), v.finite());

/** The record in a file, or `undefined` if there is none; if there is something else, that is noted as broken. */
export function readRecord<Schema extends v.GenericSchema>(
  workdir: Workdir,
  path: string,
  schema: Schema,
): v.InferOutput<Schema> | undefined {
  return readParsed(workdir, path, (text) => parseRecord(schema, text));
}

/** As `readRecord`, for what its text says. @param parse `undefined` for what does not hold what it should */
export function readParsed<T>(workdir: Workdir, path: string, parse: (text: string) => T | undefined): T | undefined {
  const text = workdir.readText(path);
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (parsed === undefined) workdir.broken.note(path, text === "" ? "It is empty" : "It does not hold what it should");
  else workdir.broken.clear(path);
  return parsed;
}

/** JSON text checked by a schema, or `undefined` if it is not what it should be. */
export function parseRecord<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // Not JSON: a torn or foreign file says nothing, and the caller does without.
  }
}
