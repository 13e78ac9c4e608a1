import { conflict } from "../protocol/status.ts";
import type { Stored } from "../store/stored.ts";

/** The identity and state that an object must have to be deleted. */
export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/**
 * @param kind qualified with its group
 * @throws ApiError 409 if the object is another one, or has changed
 */
export function checkPreconditions({ metadata }: Stored, kind: string, { uid, resourceVersion }: Preconditions): void {
  const failed = (what: string, { given, record, end }: { given: string; record: string | undefined; end: string }) => {
    const why = `the ${what} in the precondition (${given}) does not match the ${what} in record (${record}). ` +
      `The object might have been ${end}`;
    return conflict(kind, { name: metadata.name!, why });
  };
  if (uid !== undefined && uid !== metadata.uid) {
    throw failed("UID", { given: uid, record: metadata.uid, end: "deleted and then recreated" });
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw failed("ResourceVersion", { given: resourceVersion, record: metadata.resourceVersion, end: "modified" });
  }
}
