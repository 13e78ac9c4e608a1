import * as v from "valibot";

/** JSON text checked by a schema, or nothing where it is not what it should be. */
export function parseRecord<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // Not JSON: a torn or foreign file says nothing, and the caller does without.
  }
}
