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

/** The position of a value, from which its path is built only if something is wrong with it. */
interface Position {
  within: Position | undefined;
  /** The Go struct that holds the field. */
  struct: string;
  /** The name of a field, or the index or key of an entry. */
  step: string;
  isEntry: boolean;
}

/**
 * Decodes an object of a kind. What is given is not changed.
 * @throws DecodingError if a field has the wrong type
 */
export function decode(kind: string, given: Record<string, unknown>): Decoded {
  const unknown: string[] = [];
  return { object: decodeObject(given, objectType(kind), undefined, unknown), unknown };
}

function decodeObject(
  given: Record<string, unknown>,
  { name, fields }: ObjectType,
  within: Position | undefined,
  unknown: string[],
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field in given) {
    const value = given[field];
    if (value === undefined) continue;
    const type = fields.get(field);
    const position = { within, struct: name, step: field, isEntry: false };
    if (!type) unknown.push(pathOf(position));
    else {
      const decoded = decodeValue(value, type, position, unknown);
      if (decoded !== undefined) object[field] = decoded;
    }
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
  const decodeEntry = (entry: unknown, step: string) => {
    const place = { within: position, struct: position.struct, step, isEntry: true };
    return decodeValue(entry ?? emptyOf(type.of), type.of, place, unknown);
  };
  if (isList) return value.map((entry, index) => decodeEntry(entry, String(index)));
  const map: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) map[key] = decodeEntry(entry, key);
  return map;
}

/** `spec.containers[0].image`; without entries, as Go's decoder has it, `spec.containers.image`. */
function pathOf({ within, step, isEntry }: Position, { entries = true }: { entries?: boolean } = {}): string {
  const before = within ? pathOf(within, { entries }) : "";
  if (isEntry) return entries ? `${before}[${step}]` : before;
  return before === "" ? step : `${before}.${step}`;
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

/** What null means as an entry of a list or a map. */
function emptyOf(type: FieldType): unknown {
  if (type.is === "list") return [];
  if (type.is === "value") return { string: "", boolean: false, int32: 0, int64: 0, quantity: "0" }[type.name] ?? null;
  return {};
}

function wrongType(value: unknown, type: FieldType, position: Position): DecodingError {
  const isNumber = type.is === "value" && /^int/.test(type.name);
  const given = Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
    ? "bool"
    : typeof value === "number" && isNumber
    ? `number ${value}`
    : typeof value;
  const path = pathOf(position, { entries: false });
  return new DecodingError(
    `json: cannot unmarshal ${given} into Go struct field ${position.struct}.${path} of type ${goType(type)}`,
  );
}

/** The name of a type in Go. */
function goType(type: FieldType): string {
  if (type.is === "object") return `v1.${type.name}`;
  if (type.is === "list") return `[]${goType(type.of)}`;
  if (type.is === "map") return `map[string]${goType(type.of)}`;
  return type.name === "boolean" ? "bool" : type.name;
}
