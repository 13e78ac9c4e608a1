import { type BackoffLimits, backoffMs as backoffWithin } from "../../kube/backoff.ts";
import type { Random } from "../../random.ts";

const USUAL: BackoffLimits = { firstMs: 250, longestMs: 15_000 };

/** How long a watcher waits after the n-th failure in a row (from 1), in milliseconds: from 250 ms to 15 s, with jitter. */
export function backoffMs(failures: number, random: Random, limits: BackoffLimits = USUAL): number {
  return backoffWithin(failures, random, limits);
}
