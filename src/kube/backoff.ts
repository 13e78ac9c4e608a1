import type { Random } from "../random.ts";

/** Delays that double from one failure to the next, each with jitter, so that many clients do not come back as one. */
export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;

  /** Default: from 200 ms to 30 s. */
  constructor(random: Random, { firstMs = 200, longestMs = 30_000 }: { firstMs?: number; longestMs?: number } = {}) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** How long to wait after one more failure, in milliseconds: from half of the full delay to all of it. */
  next(): number {
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return full * (0.5 + this.#random.next() / 2);
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
