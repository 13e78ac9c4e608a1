import type { ObjectMeta } from "../../kube/types.ts";

/** Anything with metadata. What is stored is never changed in place: a change stores another object. */
export interface Stored {
  metadata: ObjectMeta;
}

/** One change of one object. */
export interface Change<T> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  revision: number;
  /** When, in milliseconds since the epoch. */
  time: number;
  /** As it is now; for DELETED as it last was, with the revision of its deletion. */
  object: T;
  /** As it was before; `undefined` if it was not known. */
  previous: T | undefined;
}

/** Where an object stands in a list: by namespace, then by name. */
export function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
