import { decode, type Decoded, DecodingError } from "./decoding.ts";
import type { Route } from "./route.ts";
import { type ApiError, badRequest, invalid } from "./status.ts";

/** How strictly fields are looked at: `fieldValidation` of a request. */
export type FieldValidation = Pick<Route, "query" | "warnings">;

/**
 * The object in a request's body, without fields that its kind does not have.
 * @param kind what it must be, if it says what it is
 * @param options.group the short name of its group, as in the server's messages; default: core
 * @throws ApiError 400, worded as the API server words it
 */
export function parseObject(
  text: string,
  kind: string,
  { group = "core", route }: { group?: string; route?: FieldValidation } = {},
): Record<string, unknown> & { metadata: Record<string, unknown> } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unrecognized(text, kind);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unrecognized(text, kind);
  const given = value as Record<string, unknown>;
  const { kind: givenKind = kind, apiVersion = "v1" } = given;
  if (givenKind !== kind) {
    throw badRequest(
      `${givenKind} in version "${apiVersion}" cannot be handled as a ${kind}: converting (v1.${givenKind}) to (${group}.${kind}): ` +
        "unknown conversion",
    );
  }
  const { object, unknown } = decodeOrRefuse(kind, given);
  reportUnknown(unknown, route, (problem) => cannotHandle(kind, `strict decoding error: ${problem}`));
  return { ...object, metadata: (object["metadata"] ?? {}) as Record<string, unknown> };
}

/**
 * An object after a patch, without fields that its kind does not have.
 * @param options.target what was patched; what the patch has not changed is not checked
 * @throws ApiError 422, worded as the API server words it
 */
export function decodePatched<T extends object>(
  kind: string,
  patched: T,
  { target = {}, route }: { target?: Partial<T> | undefined; route: FieldValidation },
): T {
  const refuse = (problem: string) => {
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${problem}`;
    return invalid("", { name: "", causes: [{ reason: "FieldValueInvalid", message, field: "patch" }] });
  };
  try {
    const kept = Object.entries(target).filter(([field, value]) => patched[field as keyof T] === value);
    const changed = Object.entries(patched).filter(([field, value]) => target[field as keyof T] !== value);
    const { object, unknown } = decode(kind, Object.fromEntries(changed));
    reportUnknown(unknown, route, (problem) => refuse(`strict decoding error: ${problem}`));
    return { ...Object.fromEntries(kept), ...object } as T;
  } catch (error) {
    if (error instanceof DecodingError) throw refuse(error.message);
    throw error;
  }
}

function decodeOrRefuse(kind: string, given: Record<string, unknown>): Decoded {
  try {
    return decode(kind, given);
  } catch (error) {
    if (error instanceof DecodingError) throw cannotHandle(kind, error.message);
    throw error;
  }
}

/** Warns of unknown fields, refuses or ignores them, as the client asks (`fieldValidation`). */
function reportUnknown(
  paths: string[],
  route: FieldValidation | undefined,
  refuse: (problem: string) => ApiError,
): void {
  const problems = paths.map((path) => `unknown field "${path}"`);
  const level = route?.query.get("fieldValidation") || "Warn";
  if (level === "Strict" && problems.length > 0) throw refuse(problems.join(", "));
  if (level === "Warn") route?.warnings.push(...problems);
}

/**
 * Checks the type of a field, if it is given.
 * @param expected.field with the name of its Go struct
 * @throws ApiError 400 in the API server's words
 */
export function checkType(
  value: unknown,
  { kind, field, type }: { kind: string; field: string; type: "string" | "int32" },
): void {
  if (value === undefined || value === null) return;
  const isRight = type === "string" ? typeof value === "string" : typeof value === "number" && (value | 0) === value;
  if (isRight) return;
  const given = Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
    ? "bool"
    : typeof value === "number" && type === "int32"
    ? `number ${value}`
    : typeof value;
  throw cannotHandle(kind, `json: cannot unmarshal ${given} into Go struct field ${field} of type ${type}`);
}

/** The error for a field that cannot be decoded; `why` is the decoder's message. */
export function cannotHandle(kind: string, why: string): ApiError {
  return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${why}`);
}

function unrecognized(text: string, kind: string) {
  const shown = text.startsWith("{")
    ? `${text.slice(0, 31)}${text.length > 31 ? " ..." : ""}`
    : [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const problem = text === ""
    ? "unexpected end of JSON input"
    : `invalid character '${text.charAt(0)}' looking for beginning of value`;
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ` +
      `${problem} (${shown})`,
  );
}
