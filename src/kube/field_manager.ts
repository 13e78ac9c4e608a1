import * as v from "valibot";
import type { ObjectMeta } from "./types.ts";

/** The name under which the API server notes what we write (source: Kubernetes documentation, "Server-Side Apply", "Managers"). */
export const FIELD_MANAGER = "hostfactory";

const EntrySchema = v.object({ manager: v.string(), fieldsV1: v.looseObject({ "f:spec": v.unknown() }) });

/**
 * Whether it was we who had an object made. The API server notes who wrote a spec, after all webhooks, so that none of them
 * drops that, and somebody who makes a copy stands there instead.
 * @returns nothing if the object does not say who wrote its spec
 */
export function isMadeByUs({ managedFields = [] }: ObjectMeta): boolean | undefined {
  const writers = managedFields.flatMap((entry) => {
    const { success, output } = v.safeParse(EntrySchema, entry);
    return success ? output.manager : [];
  });
  return writers.length === 0 ? undefined : writers.includes(FIELD_MANAGER);
}
