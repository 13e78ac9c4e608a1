import type { Random } from "../random.ts";

/** How long to wait between tries, in milliseconds: doubling from the first to the longest. */
export interface BackoffLimits {
  firstMs: number;
  longestMs: number;
}

/** After the n-th failure in a row (from 1): doubling, with half of it jitter, so that many do not come back as one. */
export function backoffMs(failures: number, random: Random, { firstMs, longestMs }: BackoffLimits): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + random.next() * full / 2;
}

/** The same for a caller that counts by itself: delays from one failure to the next, until all is well. */
export class Backoff {
  readonly #random: Random;
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(random: Random, limits: BackoffLimits) {
    this.#random = random;
    this.#limits = limits;
  }

  /** How long to wait after one more failure, in milliseconds. */
  next(): number {
    return backoffMs(++this.#failures, this.#random, this.#limits);
  }

  /** All is well again. */
  reset(): void {
    this.#failures = 0;
  }

  /** Failures since all was well. */
  get failures(): number {
    return this.#failures;
  }
}
