import * as v from "valibot";
import { FiniteNumber, readRecord } from "./record.ts";
import type { Workdir } from "./workdir.ts";

/** By node: when a machine of ours was last evicted from it; the cluster's time, in seconds since the epoch. */
export function readEvictions(workdir: Workdir): Map<string, number> {
  const evictions = readRecord(workdir, workdir.layout.evictions, v.record(v.string(), FiniteNumber));
  return new Map(Object.entries(evictions ?? {}));
}

export function writeEvictions(workdir: Workdir, evictions: Map<string, number>): void {
  workdir.write(workdir.layout.evictions, `${JSON.stringify(Object.fromEntries(evictions))}\n`);
}
