import * as v from "valibot";
import type { ObjectMeta } from "./types.ts";

/**
 * The name under which the API server records what we write (source: Kubernetes documentation, "Server-Side Apply",
 * "Managers").
 */
export const FIELD_MANAGER = "hostfactory";

const EntrySchema = v.object({ manager: v.string(), fieldsV1: v.looseObject({ "f:spec": v.unknown() }) });

/**
 * Whether we created an object. The API server records who wrote the spec after all webhooks have run, so none of them
 * can remove that, and a copy that someone else makes carries that one's name instead.
 * @returns `undefined` if the object does not say who wrote its spec
 */
export function isMadeByUs({ managedFields = [] }: ObjectMeta): boolean | undefined {
  const writers = managedFields.flatMap((entry) => {
    const { success, output } = v.safeParse(EntrySchema, entry);
    return success ? output.manager : [];
  });
  return writers.length === 0 ? undefined : writers.includes(FIELD_MANAGER);
}
