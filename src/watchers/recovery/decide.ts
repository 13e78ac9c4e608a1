import { machineName } from "../../hf/names.ts";
import type { RequestMemory } from "../../templates/podspec.ts";

/** What the work directory and the cluster say of one request that pods of ours name. */
export interface FoundRequest {
  id: string;
  /** What the work directory has of it; `undefined` if it is not there. `count` is `undefined` if its record is lost. */
  stored: { count: number | undefined; entries: ReadonlySet<string> } | undefined;
  /** The indexes of its machines that have pods. */
  indexes: number[];
  /** What its pods say was asked for; `undefined` if they do not. */
  memory: RequestMemory | undefined;
}

/**
 * What the work directory lacks of a request.
 *
 * - `rebuild`: all of it; `machines` have pods, `lost` have none
 * - `complete`: `enter` are entries that were lost, `strays` are pods that no machine of the request can have
 */
export type Adoption =
  | { kind: "rebuild"; machines: string[]; lost: string[] }
  | { kind: "complete"; enter: string[]; strays: string[] };

/** What is to be done so that the work directory accounts for every pod; `undefined` if it does. */
export function decideAdoption({ id, stored, indexes, memory }: FoundRequest): Adoption | undefined {
  const named = (some: number[]) => some.map((index) => machineName(id, index));
  // 1. The request was lost, or came after the backup that the work directory was restored from.
  if (!stored) {
    const existing = new Set(indexes);
    const asked = Array.from({ length: memory?.count ?? 0 }, (_, index) => index);
    return { kind: "rebuild", machines: named(indexes), lost: named(asked.filter((index) => !existing.has(index))) };
  }
  const unaccounted = indexes.filter((index) => !stored.entries.has(machineName(id, index)));
  // 2. Every pod has its entry.
  if (unaccounted.length === 0) return undefined;
  // 3. The entry was lost. 4. The request has no such machine: no one will ever ask for it or give it back.
  const isOne = (index: number) => stored.count === undefined || index < stored.count;
  return {
    kind: "complete",
    enter: named(unaccounted.filter(isOne)),
    strays: named(unaccounted.filter((index) => !isOne(index))),
  };
}
