import type { Tombstone } from "./tombstone.ts";

/** Why machines fail, as few words: the closed list that failures are counted by. */
export const FAILURE_KINDS = [
  "image",
  "configuration",
  "crash_loop",
  "too_late",
  "quota",
  "refused",
  "out_of_memory",
  "ended",
  "taken_away",
  "deleted_by_others",
  "other",
] as const;
export type FailureKind = typeof FAILURE_KINDS[number];

/** What the messages of tombstones begin with or hold, the first that fits: they are written by `src/machine` and the watchers. */
const MARKS: readonly (readonly [RegExp, FailureKind])[] = [
  [/^Image (not pulled|name not valid)/, "image"],
  [/^Container not configured/, "configuration"],
  [/^Crash loop/, "crash_loop"],
  [/^Not (running|ready) after/, "too_late"],
  [/^The cluster took the pod away/, "taken_away"],
  [/^The pod failed: .*OOMKilled/, "out_of_memory"],
  [/^The pod failed: container/, "ended"],
  [/^The pod failed/, "taken_away"],
  [/^The pod was deleted, and not because/, "deleted_by_others"],
];

/** The kind of failure that a tombstone tells of; nothing for a machine that was given back, or did what it was for. */
export function failureKind({ returned, succeeded, givenUp, uid, message }: Tombstone): FailureKind | undefined {
  if (returned || succeeded) return undefined;
  const marked = MARKS.find(([mark]) => mark.test(message));
  if (marked) return marked[1];
  if (!givenUp || uid !== undefined) return "other";
  // It never had a pod: the cluster, or an extension, would have none of it.
  return /exceeded quota|quota/i.test(message) ? "quota" : "refused";
}
