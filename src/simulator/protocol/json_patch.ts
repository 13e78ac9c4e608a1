import { isSame } from "./same_value.ts";
import { ApiError, badRequest } from "./status.ts";

/** One step of a JSON patch (RFC 6902). */
interface Operation {
  op?: unknown;
  path?: unknown;
  from?: unknown;
  value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/**
 * The result of a JSON patch (RFC 6902) on a value, which is not modified. As in the API server, `replace` adds what is
 * missing.
 * @throws ApiError 400 if it is not a list, 422 if a step cannot be applied or a test fails
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  }
  const root: { document: unknown } = { document: structuredClone(target) };
  for (const operation of patch as Operation[]) apply(root, operation);
  return root.document;
}

function apply(root: { document: unknown }, { op, path, from, value }: Operation): void {
  switch (op) {
    case "add":
      return put(root, path, structuredClone(value));
    case "replace":
      return put(root, path, structuredClone(value), { replaces: true });
    case "remove":
      return remove(root, path);
    case "test":
      if (!isSame(get(root, path) ?? null, value ?? null)) throw cannotBeDone();
      return;
    case "copy":
      return put(root, path, structuredClone(required(get(root, from))));
    case "move": {
      const moved = required(get(root, from));
      remove(root, from);
      return put(root, path, moved);
    }
    default:
      throw cannotBeDone();
  }
}

function get(root: { document: unknown }, path: unknown): unknown {
  const { parent, key } = locate(root, path);
  return read(parent, key);
}

function put(
  root: { document: unknown },
  path: unknown,
  value: unknown,
  { replaces = false }: { replaces?: boolean } = {},
): void {
  const { parent, key } = locate(root, path);
  if (!Array.isArray(parent)) parent[key] = value;
  else if (key === "-") parent.push(value);
  else parent.splice(indexIn(parent, key, replaces ? parent.length - 1 : parent.length), replaces ? 1 : 0, value);
}

function remove(root: { document: unknown }, path: unknown): void {
  const { parent, key } = locate(root, path);
  if (Array.isArray(parent)) parent.splice(indexIn(parent, key, parent.length - 1), 1);
  else if (Object.hasOwn(parent, key)) delete parent[key];
  else throw cannotBeDone();
}

/** The container of the value at a path, and its key there; the document itself has the key `document`. */
function locate(root: { document: unknown }, path: unknown): { parent: Container; key: string } {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) throw cannotBeDone();
  const keys = ["document", ...path.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))];
  const key = keys.pop()!;
  let parent: unknown = root;
  for (const step of keys) parent = isContainer(parent) ? read(parent, step) : undefined;
  if (!isContainer(parent)) throw cannotBeDone();
  return { parent, key };
}

function read(parent: Container, key: string): unknown {
  if (Array.isArray(parent)) return parent[indexIn(parent, key, parent.length - 1)];
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function indexIn(list: unknown[], key: string, most: number): number {
  const index = Number(key);
  if (!/^-?\d+$/.test(key) || index > most || index < -list.length) throw cannotBeDone();
  return index < 0 ? list.length + index : index;
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

function required(value: unknown): unknown {
  if (value === undefined) throw cannotBeDone();
  return value;
}

function cannotBeDone(): ApiError {
  const message = "the server rejected our request due to an error in our request";
  return new ApiError(422, message, { reason: "Invalid", details: {} });
}
