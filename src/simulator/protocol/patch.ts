import { type FieldType, objectType } from "./schema.ts";
import { applyJsonPatch } from "./json_patch.ts";
import { ApiError, badRequest, unsupportedMediaType } from "./status.ts";

/**
 * Applies the body of a PATCH to an object of a kind; the content type names the kind of patch.
 * @throws ApiError 415 unless it is a JSON patch (RFC 6902), a merge patch (RFC 7386) or a strategic one
 */
export function patched<T>(target: T, body: string, { contentType, kind }: { contentType: string; kind: string }): T {
  switch (contentType.split(";")[0]) {
    case "application/json-patch+json":
      return applyJsonPatch({ kind, ...target }, parsePatch(body)) as T;
    case "application/merge-patch+json":
      return mergePatch(target, parsePatch(body)) as T;
    case "application/strategic-merge-patch+json":
      return strategicPatch(target, parsePatch(body), objectType(kind)) as T;
    default:
      throw unsupportedMediaType();
  }
}

function parsePatch(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw badRequest("error decoding patch: the body is no JSON");
  }
}

/** The result of a JSON merge patch (RFC 7386) on a value. Neither is modified. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** The result of a strategic merge patch on a value of a type. Neither is modified. */
export function strategicPatch(target: unknown, patch: unknown, type: FieldType | undefined): unknown {
  if (Array.isArray(patch) && type?.is === "list" && type.mergeKey !== undefined) {
    return mergeLists(Array.isArray(target) ? target : [], patch, { of: type.of, key: type.mergeKey });
  }
  if (!isObject(patch)) return patch;
  const { $patch: directive } = patch;
  const result: Record<string, unknown> = isObject(target) && directive !== "replace" ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    const inner = type?.is === "object" ? type.fields.get(name) : type?.is === "map" ? type.of : undefined;
    if (value === null) delete result[name];
    else result[name] = strategicPatch(result[name], value, inner);
  }
  for (const [name, order] of Object.entries(patch)) {
    const list = /^\$deleteFromPrimitiveList\/(.*)$/.exec(name)?.[1];
    if (list === undefined || !Array.isArray(order) || !Array.isArray(result[list])) continue;
    result[list] = result[list].filter((entry) => !order.includes(entry));
  }
  return result;
}

function mergeLists(target: unknown[], patch: unknown[], { of, key }: { of: FieldType; key: string }): unknown[] {
  if (!patch.every(isObject)) return [...new Set([...target, ...patch])];
  const replaces = patch.some((entry) => entry["$patch"] === "replace");
  let result = replaces ? [] : target.filter(isObject);
  for (const entry of patch.filter((entry) => entry["$patch"] !== "replace")) {
    if (entry[key] === undefined) {
      throw new ApiError(500, `map: ${goMap(entry)} does not contain declared merge key: ${key}`);
    }
    const isSame = (other: Record<string, unknown>) => other[key] === entry[key];
    if (entry["$patch"] === "delete") result = result.filter((other) => !isSame(other));
    else if (result.some(isSame)) {
      result = result.map((other) =>
        isSame(other) ? strategicPatch(other, entry, of) as Record<string, unknown> : other
      );
    } else result.push(strategicPatch({}, entry, of) as Record<string, unknown>);
  }
  return result;
}

/** A map as Go prints it. */
function goMap(map: Record<string, unknown>): string {
  return `map[${Object.entries(map).sort().map(([key, value]) => `${key}:${value}`).join(" ")}]`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
