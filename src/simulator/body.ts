import { badRequest } from "./status.ts";

/**
 * An object out of a request's body.
 * @param kind what it must be, where it says what it is
 * @throws ApiError 400, worded as the API server words it
 */
export function parseObject(
  text: string,
  kind: string,
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
      `${given} in version "${apiVersion}" cannot be handled as a ${kind}: converting (v1.${given}) to (core.${kind}): ` +
        "unknown conversion",
    );
  }
  const metadata = (object["metadata"] ?? {}) as Record<string, unknown>;
  for (const field of ["name", "generateName", "namespace", "uid", "resourceVersion"]) {
    checkIsString(metadata[field], { kind, field: `ObjectMeta.metadata.${field}` });
  }
  for (const field of ["labels", "annotations"]) {
    for (const entry of Object.values(metadata[field] ?? {})) {
      checkIsString(entry, { kind, field: `ObjectMeta.metadata.${field}` });
    }
  }
  return { ...object, metadata };
}

function checkIsString(value: unknown, { kind, field }: { kind: string; field: string }): void {
  if (value === undefined || value === null || typeof value === "string") return;
  const type = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  throw badRequest(
    `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal ${type} into Go struct field ` +
      `${field} of type string`,
  );
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
