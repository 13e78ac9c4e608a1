import type { ObjectMeta } from "../../kube/types.ts";

/** Any object with metadata. Stored objects are never modified: a change stores another object. */
export interface Stored {
  metadata: ObjectMeta;
}

/** One change of one object. */
export interface Change<T> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  revision: number;
  /** When, in milliseconds since the epoch. */
  time: number;
  /** Its state now; for DELETED its last state, with the revision of its deletion. */
  object: T;
  /** Its state before; `undefined` if it was not known. */
  previous: T | undefined;
}

/** The key by which lists are sorted: namespace, then name. */
export function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
