import * as v from "valibot";
import { FiniteNumber, readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const EvictionsSchema = v.object({ evicted: v.record(v.string(), FiniteNumber), others: FiniteNumber });

/** What has been evicted from a node. */
export interface NodeEvictions {
  /** By machine, when it was evicted; the cluster's time, in seconds since the epoch. */
  evicted: Record<string, number>;
  /** How many other machines of ours were on the node after the last of these. */
  others: number;
}

/** By node. Earlier versions noted no more than a time: that says too little. */
export function readEvictions(workdir: Workdir): Map<string, NodeEvictions> {
  const schema = v.record(v.string(), v.union([EvictionsSchema, FiniteNumber]));
  const noted = Object.entries(readRecord(workdir, workdir.layout.evictions, schema) ?? {});
  return new Map(noted.flatMap(([node, one]) => typeof one === "number" ? [] : [[node, one]]));
}

export function writeEvictions(workdir: Workdir, evictions: ReadonlyMap<string, NodeEvictions>): void {
  workdir.write(workdir.layout.evictions, `${JSON.stringify(Object.fromEntries(evictions))}\n`);
}
