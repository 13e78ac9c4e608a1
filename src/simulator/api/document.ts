import { HostFactoryError } from "../../errors.ts";
import type { Files } from "../../files.ts";
import { defaultStages } from "../behaviour/default_stages.ts";
import { type Fault, parseFaults } from "../faults/faults.ts";
import { parseStages, type Stage } from "../behaviour/stages.ts";

/**
 * Reads stages from a JSON or YAML file.
 * @throws HostFactoryError that names file, stage and field
 */
export async function readStages(files: Files, path: string): Promise<Stage[]> {
  return parseStages(await readDocument(files, path), { source: path, defaults: defaultStages });
}

/**
 * Reads faults from a JSON or YAML file.
 * @throws HostFactoryError that names file, fault and field
 */
export async function readFaults(files: Files, path: string): Promise<Fault[]> {
  return parseFaults(await readDocument(files, path), path);
}

async function readDocument(files: Files, path: string): Promise<unknown> {
  let text: string;
  try {
    text = files.readText(path);
  } catch (cause) {
    throw new HostFactoryError(`Cannot read '${path}'`, { cause });
  }
  try {
    return (await import("yaml")).parse(text);
  } catch (cause) {
    throw new HostFactoryError(`Cannot read '${path}': ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
