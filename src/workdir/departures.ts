import * as v from "valibot";
import { FiniteNumber, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const DepartureSchema = v.object({
  uid: v.string(),
  reason: v.string(),
  goneAt: v.optional(FiniteNumber),
  lost: v.optional(v.object({ taint: v.string(), since: FiniteNumber, seenAt: v.optional(FiniteNumber) })),
  isDeleted: v.optional(v.boolean()),
});

/** That a node is about to go, and what is known of when. Times are the cluster's, in seconds since the epoch. */
export interface Departure {
  /** The node's: another one of the same name is not meant. */
  uid: string;
  /** Why, in words that go on from "The node is". */
  reason: string;
  /** When the node is gone at the latest; absent if that is not known. */
  goneAt?: number | undefined;
  /**
   * For a node that the cluster has lost and that may come back: each pod goes once it tolerates `taint` no longer. `seenAt` is
   * when that was first seen, by the clock of our host.
   */
  lost?: { taint: string; since: number; seenAt?: number | undefined } | undefined;
  /** The cluster has deleted the node; its pods follow. */
  isDeleted?: boolean | undefined;
}

/** The nodes that are about to go, by name; none if no one has written any. */
export function readDepartures(workdir: Workdir): Map<string, Departure> {
  const departures = readRecord(workdir, workdir.layout.departures, v.record(v.string(), DepartureSchema));
  return new Map(Object.entries(departures ?? {}));
}

export function writeDepartures(workdir: Workdir, departures: Map<string, Departure>): void {
  workdir.write(workdir.layout.departures, `${JSON.stringify(Object.fromEntries(departures))}\n`);
}
