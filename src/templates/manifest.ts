import * as v from "valibot";
import { HostFactoryError } from "../errors.ts";
import { describeIssue } from "../hf/issue.ts";

/** Characters. As JSON, a third of what the cluster would store; as YAML, what its parser reads in a second at its worst. */
const LARGEST_JSON = 512 * 1024;
const LARGEST_YAML = 64 * 1024;

/** Brackets left open, beyond which the parser of YAML gives up as well, but only after a long time. */
const MOST_OPEN = 500;

/**
 * What YAML 1.1 reads in its own way, and with it `kubectl` and the legacy plug-in: modes such as 0644, and words for true
 * and false (source: yaml.org, "Integer" and "Boolean Language-Independent Type").
 */
const YAML_1_1 = [
  { tag: "tag:yaml.org,2002:int", default: true, test: /^[-+]?0[0-7]+$/, resolve: (text: string) => parseInt(text, 8) },
  { tag: "tag:yaml.org,2002:bool", default: true, test: /^([Yy]es|YES|[Oo]n|ON)$/, resolve: () => true },
  { tag: "tag:yaml.org,2002:bool", default: true, test: /^([Nn]o|NO|[Oo]ff|OFF)$/, resolve: () => false },
] as const;

/** As much of a pod as has to be right for the API server to take it at all; it judges the rest itself. */
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

/** A pod manifest: everything that its author wrote, the parts that we rely on checked. */
export type Manifest = v.InferOutput<typeof ManifestSchema>;

/**
 * Reads a pod manifest, YAML or JSON.
 * @param source where the text is from, for the message
 * @throws HostFactoryError that names the source and the field
 */
export async function parseManifest(text: string, source: string): Promise<Manifest> {
  const document = await readManifestDocument(text, source);
  const result = v.safeParse(ManifestSchema, document);
  // Not the result's output, which lacks keys such as `constructor`: they are right in labels.
  if (result.success) return document as Manifest;
  const { field = "it", fault } = describeIssue(result.issues[0]);
  throw new HostFactoryError(`Cannot use the pod manifest '${source}': ${field} ${fault}`);
}

/** True for what `parseManifest` takes. */
export function isManifest(document: unknown): document is Manifest {
  return v.is(ManifestSchema, document);
}

/**
 * The document in a text, YAML or JSON, whatever it holds.
 * @throws HostFactoryError as `parseManifest`, its cause what is wrong with the text
 */
export async function readManifestDocument(text: string, source: string): Promise<unknown> {
  try {
    checkSize("JSON", text.length, LARGEST_JSON);
    if (text.trimStart().startsWith("{")) {
      try {
        return JSON.parse(text);
      } catch {
        // A flow mapping of YAML starts the same way.
      }
    }
    checkSize("YAML", text.length, LARGEST_YAML);
    checkOpen(text);
    const { parseDocument } = await import("yaml");
    // Its own words show lines of the file, which may be anything, and take it time without end.
    const document = parseDocument(text, {
      prettyErrors: false,
      merge: true,
      customTags: (tags) => [...YAML_1_1, ...tags],
    });
    const [error] = document.errors;
    if (error) throw new Error(`${error.message} in line ${text.slice(0, error.pos[0]).split("\n").length}`);
    const content = document.toJS();
    // Aliases can make a document larger than its text, or hold itself.
    checkSize("JSON", (JSON.stringify(content) ?? "").length, LARGEST_JSON);
    return content;
  } catch (error) {
    const reason = (error as Error).message.split("\n", 1)[0];
    throw new HostFactoryError(`Cannot use the pod manifest '${source}': ${reason}`, { cause: error });
  }
}

function checkSize(format: string, length: number, most: number): void {
  if (length > most) throw new Error(`it has ${length} characters, and may have ${most} as ${format}`);
}

function checkOpen(text: string): void {
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === "[" || bracket === "{" ? 1 : -1;
    if (open > MOST_OPEN) throw new Error(`it has more than ${MOST_OPEN} levels`);
  }
}
