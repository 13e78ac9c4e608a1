import * as v from "valibot";
import { HostFactoryError } from "../errors.ts";
import { describeIssue } from "../hf/issue.ts";
import { readDocument } from "./document.ts";

/** The parts of a pod that we rely on. The API server judges the rest. */
const ManifestSchema = v.looseObject({
  apiVersion: v.literal("v1", "must be v1"),
  kind: v.literal("Pod", "must be Pod"),
  metadata: v.optional(
    v.nullable(
      v.looseObject({
        labels: v.optional(v.nullable(v.record(v.string(), v.string("must be a string")))),
        annotations: v.optional(v.nullable(v.record(v.string(), v.string("must be a string")))),
      }, "must be an object"),
    ),
  ),
  spec: v.looseObject({
    containers: v.pipe(
      v.array(
        v.looseObject({ name: v.string("must be a string") }, "must be a container"),
        "must be a list of containers",
      ),
      v.nonEmpty("must hold at least one container"),
    ),
  }, "must be an object"),
}, "must be an object");

/** A pod manifest with everything that its author wrote. The parts that we rely on are checked. */
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/**
 * Reads a pod manifest, YAML or JSON.
 * @param source where the text is from, for the message
 * @throws HostFactoryError that names the source and the field
 */
export async function parseManifest(text: string, source: string): Promise<Manifest> {
  return parsePod(await readManifestDocument(text, source), `manifest '${source}'`);
}

/**
 * Checks that something is a pod as far as we rely on it.
 * @param which of all pods, for the message: it follows the word "pod"
 * @throws HostFactoryError that names the field
 */
export function parsePod(document: unknown, which: string): Manifest {
  const result = v.safeParse(ManifestSchema, document);
  // Not the result's output, which lacks keys such as `constructor`: they are right in labels.
  if (result.success) return document as Manifest;
  const { field = "it", fault } = describeIssue(result.issues[0]);
  throw new HostFactoryError(`Cannot use the pod ${which}: ${field} ${fault}`);
}

/** True if `parseManifest` would accept it. */
export function isManifest(document: unknown): document is Manifest {
  return v.is(ManifestSchema, document);
}

/**
 * The document in a text, YAML or JSON, whatever it holds.
 * @throws HostFactoryError as `parseManifest`, its cause what is wrong with the text
 */
export async function readManifestDocument(text: string, source: string): Promise<unknown> {
  try {
    return await readDocument(text);
  } catch (error) {
    throw new HostFactoryError(`Cannot use the pod manifest '${source}': ${(error as Error).message}`, {
      cause: error,
    });
  }
}
