import { type ApiError, badRequest } from "./status.ts";

/**
 * An object out of a request's body.
 * @param kind what it must be, where it says what it is
 * @param options.group the short name of its group, as in the server's messages; default: core
 * @throws ApiError 400, worded as the API server words it
 */
export function parseObject(
  text: string,
  kind: string,
  { group = "core" }: { group?: string } = {},
): Record<string, unknown> & { metadata: Record<string, unknown> } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unrecognized(text, kind);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unrecognized(text, kind);
  const object = value as Record<string, unknown>;
  const { kind: given = kind, apiVersion = "v1" } = object;
  if (given !== kind) {
    throw badRequest(
      `${given} in version "${apiVersion}" cannot be handled as a ${kind}: converting (v1.${given}) to (${group}.${kind}): ` +
        "unknown conversion",
    );
  }
  const metadata = (object["metadata"] ?? {}) as Record<string, unknown>;
  for (const field of ["name", "generateName", "namespace", "uid", "resourceVersion"]) {
    checkType(metadata[field], { kind, field: `ObjectMeta.metadata.${field}`, type: "string" });
  }
  for (const field of ["labels", "annotations"]) {
    for (const entry of Object.values(metadata[field] ?? {})) {
      checkType(entry, { kind, field: `ObjectMeta.metadata.${field}`, type: "string" });
    }
  }
  return { ...object, metadata };
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
