import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { parsePointer } from "../json_pointer.ts";
import recorded from "./pod_schema.json" with { type: "json" };

/** One violation of the schema of a pod. */
export interface SchemaFault {
  /** Where: all of it text, and the field itself if it is missing or not known. */
  path: string[];
  /** Absent: the field is there, known, and wrong. */
  kind?: "missing" | "unknown";
  /** What is wrong with the field, to follow its name: `is missing`. */
  fault: string;
  /** Names that are known in its place, if it is not known. */
  known?: string[];
}

/** The version of Kubernetes whose schema this is, such as `v1.36.3`. */
export const KUBERNETES_VERSION: string = recorded.kubernetes;

let validate: ValidateFunction | undefined;

/** The violations of the API server's own schema of a pod. As there, `null` is a field that is not set. */
export function faultsOfPod(document: unknown): SchemaFault[] {
  validate ??= new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true }).compile(
    recorded.schema,
  );
  if (validate(withoutNulls(document))) return [];
  return (validate.errors ?? []).map(asFault);
}

function asFault({ instancePath, keyword, params, parentSchema, message }: ErrorObject): SchemaFault {
  const path = parsePointer(instancePath);
  switch (keyword) {
    case "required":
      return { path: [...path, params["missingProperty"]], kind: "missing", fault: "is missing" };
    case "additionalProperties": {
      const known = Object.keys(parentSchema?.["properties"] ?? {});
      return { path: [...path, params["additionalProperty"]], kind: "unknown", fault: "is not known", known };
    }
    case "type":
      return { path, fault: `must be ${typesIn(params["type"])}` };
    case "enum":
      return { path, fault: `must be ${listOf(params["allowedValues"].map((value: string) => `'${value}'`))}` };
    case "const":
      return { path, fault: `must be '${params["allowedValue"]}'` };
    case "minItems":
      return { path, fault: "must not be empty" };
    case "pattern":
      return { path, fault: "must be an amount, such as 2, 500m or 4Gi" };
    case "minimum":
    case "maximum":
      return { path, fault: "must be a number of 32 bits" };
    default:
      return { path, fault: message ?? "is wrong" };
  }
}

const WORDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "text, in quotes if it looks like something else",
};

function typesIn(types: string | string[]): string {
  return listOf([types].flat().map((type) => WORDS[type] ?? type));
}

function listOf(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== null).map(([key, one]) => [key, withoutNulls(one)]),
  );
}
