import { canonicalQuantity } from "./quantity.ts";
import { type FieldType, type ObjectType, objectType } from "./schema.ts";

/** An object as the API server reads it. */
export interface Decoded {
  /** Without unknown fields, and with quantities in their canonical form. */
  object: Record<string, unknown>;
  /** The paths of unknown fields: `spec.containers[0].bogus`. */
  unknown: string[];
}

/** What cannot be decoded, in the words of the API server's decoder. */
export class DecodingError extends Error {
  override readonly name = "DecodingError";
}

const NOT_A_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Where a value stands. */
interface Position {
  /** The Go struct that holds the field. */
  struct: string;
  /** With the indices of lists, and without: `spec.containers[0].image`, `spec.containers.image`. */
  path: string;
  goPath: string;
}

/**
 * Decodes an object of a kind. What is given is not changed.
 * @throws DecodingError where a field has the wrong type
 */
export function decode(kind: string, given: Record<string, unknown>): Decoded {
  const unknown: string[] = [];
  const object = decodeObject(given, objectType(kind), { struct: kind, path: "", goPath: "" }, unknown);
  return { object, unknown };
}

function decodeObject(
  given: Record<string, unknown>,
  { name, fields }: ObjectType,
  position: Position,
  unknown: string[],
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field in given) {
    const value = given[field];
    if (value === undefined) continue;
    const type = fields.get(field);
    const path = position.path === "" ? field : `${position.path}.${field}`;
    if (!type) {
      unknown.push(path);
      continue;
    }
    const goPath = position.goPath === "" ? field : `${position.goPath}.${field}`;
    const decoded = decodeValue(value, type, { struct: name, path, goPath }, unknown);
    if (decoded !== undefined) object[field] = decoded;
  }
  return object;
}

/** Undefined for what counts as absent. */
function decodeValue(value: unknown, type: FieldType, position: Position, unknown: string[]): unknown {
  if (type.is === "value") return decodeScalar(value, type.name, position);
  if (value === null) return undefined;
  const isList = Array.isArray(value);
  if (typeof value !== "object" || isList !== (type.is === "list")) throw wrongType(value, type, position);
  if (type.is === "object") return decodeObject(value as Record<string, unknown>, type, position, unknown);
  if (type.is === "list") {
    return (value as unknown[]).map((entry, index) => {
      const path = `${position.path}[${index}]`;
      return decodeValue(entry ?? emptyOf(type.of), type.of, { ...position, path }, unknown);
    });
  }
  const map: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) {
    const path = `${position.path}[${key}]`;
    map[key] = decodeValue(entry ?? emptyOf(type.of), type.of, { ...position, path }, unknown);
  }
  return map;
}

function decodeScalar(value: unknown, name: string, position: Position): unknown {
  if (name === "quantity") {
    if (value === null) return "0";
    const quantity = canonicalQuantity(value);
    if (quantity === undefined) throw new DecodingError(NOT_A_QUANTITY);
    return quantity;
  }
  // A time that is null is shown as such.
  if (name === "time" || name === "any" || name === "int-or-string") return value;
  if (value === null) return undefined;
  const isRight = name === "string"
    ? typeof value === "string"
    : name === "boolean"
    ? typeof value === "boolean"
    : typeof value === "number" && (name === "int32" ? (value | 0) === value : Number.isInteger(value));
  if (!isRight) throw wrongType(value, { is: "value", name }, position);
  return value;
}

/** What null stands for in a list or a map. */
function emptyOf(type: FieldType): unknown {
  if (type.is === "list") return [];
  if (type.is === "value") return { string: "", boolean: false, int32: 0, int64: 0, quantity: "0" }[type.name] ?? null;
  return {};
}

function wrongType(value: unknown, type: FieldType, { struct, goPath }: Position): DecodingError {
  const isNumber = type.is === "value" && /^int/.test(type.name);
  const given = Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
    ? "bool"
    : typeof value === "number" && isNumber
    ? `number ${value}`
    : typeof value;
  return new DecodingError(
    `json: cannot unmarshal ${given} into Go struct field ${struct}.${goPath} of type ${goType(type)}`,
  );
}

/** The name of a type in Go. */
function goType(type: FieldType): string {
  if (type.is === "object") return `v1.${type.name}`;
  if (type.is === "list") return `[]${goType(type.of)}`;
  if (type.is === "map") return `map[string]${goType(type.of)}`;
  return type.name === "boolean" ? "bool" : type.name;
}
