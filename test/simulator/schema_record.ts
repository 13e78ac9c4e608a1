/**
 * Records what fields the objects have that the simulator holds, in `src/simulator/protocol/schema.json`, from the OpenAPI
 * documents of a real API server. By hand, with `kubectl proxy` for the address:
 *
 *     deno run -A test/simulator/schema_record.ts http://127.0.0.1:8001
 */

interface Schema {
  type?: string;
  format?: string;
  $ref?: string;
  allOf?: Schema[];
  items?: Schema;
  additionalProperties?: Schema;
  properties?: Record<string, Schema>;
  "x-kubernetes-patch-merge-key"?: string;
}

const kinds: Record<string, string[]> = {
  "api/v1": ["ConfigMap", "Event", "Namespace", "Node", "Pod", "ResourceQuota", "ServiceAccount"],
  "apis/coordination.k8s.io/v1": ["Lease"],
  "apis/rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
};

/** Fields of each type; types by the last part of their names. */
const types = new Map<string, Record<string, string>>();

for (const [path, names] of Object.entries(kinds)) {
  const response = await fetch(`${Deno.args[0]}/openapi/v3/${path}`);
  const { components: { schemas } } = await response.json() as { components: { schemas: Record<string, Schema> } };
  for (const kind of names) record(Object.keys(schemas).find((name) => name.endsWith(`.${kind}`))!, schemas);
}
// What is in these is for the definition to say, and of that itself nothing is looked into.
const custom = { apiVersion: "string", kind: "string", metadata: "ObjectMeta", spec: "any", status: "any" };
for (const kind of ["CustomResourceDefinition", "HostFactoryExtension"]) types.set(kind, custom);
const sorted = [...types].sort(([a], [b]) => (a < b ? -1 : 1));
const target = new URL("../../src/simulator/protocol/schema.json", import.meta.url);
Deno.writeTextFileSync(target, JSON.stringify(Object.fromEntries(sorted), null, 2) + "\n");

function record(name: string, schemas: Record<string, Schema>): string {
  const short = name.split(".").at(-1)!;
  const { properties } = schemas[name]!;
  if (short === "Quantity") return "quantity";
  if (short === "Time" || short === "MicroTime") return "time";
  if (short === "IntOrString") return "int-or-string";
  if (!properties) return "any";
  if (types.has(short)) return short;
  const fields: Record<string, string> = {};
  types.set(short, fields);
  for (const [field, schema] of Object.entries(properties)) fields[field] = typeOf(schema, schemas);
  return short;
}

/** `[X]` is a list, `[X:key]` one whose entries a strategic merge patch tells apart by a key, `{X}` a map from strings. */
function typeOf(schema: Schema, schemas: Record<string, Schema>): string {
  const { type = "any", $ref, allOf, items, additionalProperties } = schema;
  const ref = $ref ?? allOf?.[0]?.$ref;
  if (ref !== undefined) return record(ref.split("/").at(-1)!, schemas);
  if (items) {
    const key = schema["x-kubernetes-patch-merge-key"];
    return `[${typeOf(items, schemas)}${key === undefined ? "" : `:${key}`}]`;
  }
  if (additionalProperties) return `{${typeOf(additionalProperties, schemas)}}`;
  return type === "integer" ? schema.format ?? "int64" : type === "object" ? "any" : type;
}
