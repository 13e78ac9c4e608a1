import { backoffMs as backoffWithin } from "../../kube/backoff.ts";
import type { Random } from "../../random.ts";

/** How long a watcher waits after the n-th failure in a row (from 1), in milliseconds: from 250 ms to 15 s, with jitter. */
export function backoffMs(failures: number, random: Random): number {
  return backoffWithin(failures, random, { firstMs: 250, longestMs: 15_000 });
}
