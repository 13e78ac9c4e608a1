import type { Random } from "../random.ts";

/** The first and the longest wait between attempts, in milliseconds. The wait doubles. */
export interface BackoffLimits {
  firstMs: number;
  longestMs: number;
}

/**
 * The wait after the n-th failure in a row (from 1). Half of it is random, so that many callers do not return at once.
 */
export function backoffMs(failures: number, random: Random, { firstMs, longestMs }: BackoffLimits): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + random.next() * full / 2;
}

/** As `backoffMs`, but counts the failures itself. */
export class Backoff {
  readonly #random: Random;
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(random: Random, limits: BackoffLimits) {
    this.#random = random;
    this.#limits = limits;
  }

  /** Counts one more failure. @returns how long to wait, in milliseconds */
  next(): number {
    return backoffMs(++this.#failures, this.#random, this.#limits);
  }

  /** To be called after a success. */
  reset(): void {
    this.#failures = 0;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }
}
