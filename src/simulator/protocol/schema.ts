import recorded from "./schema.json" with { type: "json" };

/** The type of a field, of the entries of a list, or of the values of a map. */
export type FieldType =
  /** `string`, `int32`, `boolean`, `quantity`, `time`, …; `any` for what is not checked. */
  | { is: "value"; name: string }
  | { is: "object"; name: string; fields: Map<string, FieldType> }
  /** `mergeKey`: the field by which a strategic merge patch identifies entries; without one it replaces the list. */
  | { is: "list"; of: FieldType; mergeKey: string | undefined }
  | { is: "map"; of: FieldType };

export type ObjectType = Extract<FieldType, { is: "object" }>;

const texts = recorded as Record<string, Record<string, string>>;
const types = new Map<string, ObjectType>();

/** The type of a kind or of a part of one, such as `Pod` or `PodSpec`, as in the API server of 1.36. */
export function objectType(name: string): ObjectType {
  let type = types.get(name);
  if (type) return type;
  type = { is: "object", name, fields: new Map() };
  types.set(name, type);
  for (const [field, text] of Object.entries(texts[name]!)) type.fields.set(field, parseType(text));
  return type;
}

/** All types. */
export function objectTypes(): ObjectType[] {
  return Object.keys(texts).map(objectType);
}

/** `[X]` is a list, `[X:key]` one with a merge key, `{X}` a map from strings. */
function parseType(text: string): FieldType {
  const list = /^\[(.*?)(?::(\w+))?\]$/.exec(text);
  if (list) return { is: "list", of: parseType(list[1]!), mergeKey: list[2] };
  if (text.startsWith("{")) return { is: "map", of: parseType(text.slice(1, -1)) };
  return Object.hasOwn(texts, text) ? objectType(text) : { is: "value", name: text };
}
