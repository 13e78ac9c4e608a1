import { unsupportedMediaType } from "./status.ts";

/**
 * Applies the body of a PATCH to an object; the content type names the kind of patch.
 * @throws ApiError 415 unless it is a merge patch (RFC 7386) or a strategic one
 */
export function patched<T>(target: T, body: string, contentType: string): T {
  switch (contentType.split(";")[0]) {
    case "application/merge-patch+json":
      return mergePatch(target, JSON.parse(body)) as T;
    case "application/strategic-merge-patch+json":
      return strategicPatch(target, JSON.parse(body)) as T;
    default:
      throw unsupportedMediaType();
  }
}

/** What a JSON merge patch (RFC 7386) makes of a value. Neither is changed. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** By which field the entries of a list are told apart in a strategic merge patch; other lists are replaced. */
const MERGE_KEYS: Record<string, string> = { conditions: "type", containers: "name", taints: "key" };

/** What a strategic merge patch makes of a value, as far as pods and nodes need it. */
function strategicPatch(target: unknown, patch: unknown, field = ""): unknown {
  const key = MERGE_KEYS[field];
  if (Array.isArray(patch) && key !== undefined) return mergeLists(Array.isArray(target) ? target : [], patch, key);
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    if (value === null) delete result[name];
    else result[name] = strategicPatch(result[name], value, name);
  }
  return result;
}

function mergeLists(target: unknown[], patch: unknown[], key: string): unknown[] {
  let result = target.filter(isObject);
  for (const entry of patch.filter(isObject)) {
    const isSame = (other: Record<string, unknown>) => other[key] === entry[key];
    if (entry["$patch"] === "delete") result = result.filter((other) => !isSame(other));
    else if (result.some(isSame)) {
      result = result.map((other) => isSame(other) ? strategicPatch(other, entry) as Record<string, unknown> : other);
    } else result.push(entry);
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
