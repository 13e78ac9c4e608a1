import type { Cause } from "../protocol/status.ts";
import type { StoredObject } from "./stored_kinds.ts";

/** The part of a custom resource's schema that is enforced: no CEL rules, no defaults, and nothing is pruned. */
interface CustomSchema {
  type?: string;
  required?: string[];
  properties?: Record<string, CustomSchema>;
  additionalProperties?: CustomSchema;
  items?: CustomSchema;
  enum?: unknown[];
  pattern?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  minProperties?: number;
}

/** The schema of the first version in a CustomResourceDefinition; one that accepts everything if there is none. */
export function schemaOf({ spec }: StoredObject): CustomSchema {
  const { versions: [version] = [] } = spec as { versions?: { schema?: { openAPIV3Schema?: CustomSchema } }[] };
  return version?.schema?.openAPIV3Schema ?? {};
}

/** The violations of the schema by an object, in the API server's words. */
export function faultsBySchema(object: StoredObject, schema: CustomSchema): Cause[] {
  const { metadata: _metadata, ...looked } = object;
  return faultsOf(looked, schema, "");
}

function faultsOf(value: unknown, schema: CustomSchema, field: string): Cause[] {
  const { type } = schema;
  if (type !== undefined && typeOf(value, type) !== type) {
    const message = `in body must be of type ${type}: "${typeOf(value, type)}"`;
    return [{
      reason: "FieldValueTypeInvalid",
      message: `Invalid value: "${typeOf(value, type)}": ${field} ${message}`,
      field,
    }];
  }
  if (Array.isArray(value)) return [...listFaults(value, schema, field), ...valueFaults(value, schema, field)];
  if (typeof value === "object" && value !== null) return objectFaults(value as Record<string, unknown>, schema, field);
  return valueFaults(value, schema, field);
}

function typeOf(value: unknown, wanted: string): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return wanted === "integer" && Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function objectFaults(value: Record<string, unknown>, schema: CustomSchema, field: string): Cause[] {
  const { required = [], properties = {}, additionalProperties, minProperties = 0 } = schema;
  const at = (name: string) => field === "" ? name : `${field}.${name}`;
  const missing = required.filter((name) => value[name] === undefined);
  const few = Object.keys(value).length < minProperties;
  return [
    ...missing.map((name) => ({ reason: "FieldValueRequired", message: "Required value", field: at(name) })),
    ...few ? [invalidValue(value, `${field} in body should have at least ${minProperties} properties`, field)] : [],
    ...Object.entries(value).flatMap(([name, one]) => {
      const own = properties[name] ?? additionalProperties;
      return own && one !== undefined ? faultsOf(one, own, at(name)) : [];
    }),
  ];
}

function listFaults(value: unknown[], { items }: CustomSchema, field: string): Cause[] {
  return items ? value.flatMap((one, position) => faultsOf(one, items, `${field}[${position}]`)) : [];
}

function valueFaults(value: unknown, schema: CustomSchema, field: string): Cause[] {
  const { pattern, maxLength = Infinity, minimum = -Infinity, maximum = Infinity, maxItems = Infinity } = schema;
  const refuse = (why: string) => [invalidValue(value, `${field} in body ${why}`, field)];
  if (schema.enum && !schema.enum.includes(value)) {
    const supported = schema.enum.map((one) => JSON.stringify(one)).join(", ");
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
    return [{ reason: "FieldValueNotSupported", message, field }];
  }
  if (typeof value === "string" && pattern !== undefined && !new RegExp(pattern).test(value)) {
    return refuse(`should match '${pattern}'`);
  }
  if (typeof value === "string" && value.length > maxLength) return refuse(`should be at most ${maxLength} chars long`);
  if (typeof value === "number" && value < minimum) return refuse(`should be greater than or equal to ${minimum}`);
  if (typeof value === "number" && value > maximum) return refuse(`should be less than or equal to ${maximum}`);
  if (Array.isArray(value) && value.length > maxItems) return refuse(`should have at most ${maxItems} items`);
  return [];
}

function invalidValue(value: unknown, why: string, field: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}
