/**
 * Takes the schema of a pod from a running API server, makes it one that `ajv` checks strictly, and stores it in
 * src/lint/pod_schema.json for `hostfactory lint`. Any cluster will do, such as a test cluster beside the checkout.
 *
 * usage: HF_TEST_KUBECONFIG=FILE deno run --allow-all scripts/dev/pod_schema.ts
 */
import { Cluster } from "../../test/support/cluster.ts";

/** As much as we read of a schema in OpenAPI 3. */
interface OpenApi {
  type?: string;
  format?: string;
  $ref?: string;
  allOf?: OpenApi[];
  items?: OpenApi;
  additionalProperties?: OpenApi;
  properties?: Record<string, OpenApi>;
  required?: string[];
  enum?: string[];
  "x-kubernetes-preserve-unknown-fields"?: boolean;
}

type JsonSchema = Record<string, unknown>;

const POD = "io.k8s.api.core.v1.Pod";

/** The types that check their own text (source: apimachinery, `Quantity.UnmarshalJSON`, `IntOrString`, `Time`). */
const OWN_SYNTAX: Record<string, JsonSchema> = {
  Quantity: {
    type: ["string", "number"],
    pattern: String.raw`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$`,
  },
  IntOrString: { type: ["integer", "string"] },
  Time: { type: "string" },
};

/** What the API server asks of a pod beyond its own schema. */
const REQUIRED: Record<string, JsonSchema> = {
  Pod: { required: ["apiVersion", "kind", "spec"] },
  Container: { required: ["name", "image"] },
};

/** The schema of a pod, and everything that it refers to, closed: a field that is not known is an error. */
export function podSchema(components: Record<string, OpenApi>, kubernetes: string): object {
  const definitions: Record<string, JsonSchema> = {};
  const waiting = [POD];
  for (let name; (name = waiting.pop()) !== undefined;) {
    const short = shortName(name);
    if (definitions[short]) continue;
    const refer = (to: string) => {
      waiting.push(to);
      return { $ref: `#/definitions/${shortName(to)}` };
    };
    definitions[short] = OWN_SYNTAX[short] ?? { ...convert(components[name]!, refer), ...REQUIRED[short] };
  }
  requireContent(definitions);
  const sorted = Object.entries(definitions).sort(([one], [other]) => one < other ? -1 : 1);
  return { kubernetes, schema: { $ref: "#/definitions/Pod", definitions: Object.fromEntries(sorted) } };
}

/** A pod is one by its kind, and has a container. */
function requireContent(definitions: Record<string, JsonSchema>): void {
  const pod = definitions["Pod"]!["properties"] as Record<string, JsonSchema>;
  pod["apiVersion"] = { const: "v1" };
  pod["kind"] = { const: "Pod" };
  const spec = definitions["PodSpec"]!["properties"] as Record<string, JsonSchema>;
  spec["containers"] = { ...spec["containers"], minItems: 1 };
}

function convert(schema: OpenApi, refer: (name: string) => JsonSchema): JsonSchema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference !== undefined) return refer(reference.split("/").at(-1)!);
  const { type, format, items, properties, additionalProperties, required } = schema;
  if (items) return { type, items: convert(items, refer) };
  if (additionalProperties) return { type, additionalProperties: convert(additionalProperties, refer) };
  if (properties) {
    const converted = Object.entries(properties).map(([name, one]) => [name, convert(one, refer)]);
    const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true;
    return {
      type,
      properties: Object.fromEntries(converted),
      ...(isOpen ? {} : { additionalProperties: false }),
      ...(required ? { required } : {}),
    };
  }
  const limits = format === "int32" ? { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 } : {};
  return { ...(type ? { type } : {}), ...limits, ...(schema.enum ? { enum: schema.enum } : {}) };
}

/** `PodSpec` for `io.k8s.api.core.v1.PodSpec`. */
function shortName(name: string): string {
  return name.split(".").at(-1)!;
}

/** The schema as a cluster has it now. */
export async function podSchemaOf(cluster: Pick<Cluster, "call">): Promise<object> {
  const [{ components }, { gitVersion }] = await Promise.all([
    cluster.call("GET", "/openapi/v3/api/v1") as Promise<{ components: { schemas: Record<string, OpenApi> } }>,
    cluster.call("GET", "/version") as Promise<{ gitVersion: string }>,
  ]);
  return podSchema(components.schemas, gitVersion);
}

if (import.meta.main) {
  const kubeconfig = Deno.env.get("HF_TEST_KUBECONFIG");
  if (!kubeconfig) throw new Error("HF_TEST_KUBECONFIG has to name the kubeconfig of a cluster");
  using cluster = Cluster.at(kubeconfig, "default");
  const target = new URL("../../src/lint/pod_schema.json", import.meta.url);
  Deno.writeTextFileSync(target, `${JSON.stringify(await podSchemaOf(cluster))}\n`);
}
