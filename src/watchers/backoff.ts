import type { Random } from "../random.ts";

/** The delays between tries, in milliseconds: doubling from the first to the longest. */
const FIRST_MS = 250;
const LONGEST_MS = 15_000;

/** How long to wait after the n-th failure in a row (from 1): doubling, with half of it jitter. */
export function backoffMs(failures: number, random: Random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return full / 2 + random.next() * full / 2;
}
