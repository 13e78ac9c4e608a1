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

/** Whether two values say the same, in whatever order their fields stand. */
export function isSame(one: unknown, other: unknown): boolean {
  return one === other || sorted(one) === sorted(other);
}

function sorted(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort())
        : inner,
  );
}

/** Where an object stands in a list: by namespace, then by name. */
export function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
