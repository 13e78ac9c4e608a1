import type { Clock } from "../clock.ts";
import { type BackoffLimits, backoffMs } from "../kube/backoff.ts";
import type { Random } from "../random.ts";

/** Calls in a row that were not answered before an extension is left alone for a while. */
const TRIPPED_AFTER = 5;

/** How long, in milliseconds, it is left alone, doubling with each further failure. */
const REST: BackoffLimits = { firstMs: 1_000, longestMs: 30_000 };

/**
 * Keeps calls away from an extension that does not answer: once it has failed often enough in a row, one call at a time finds
 * out whether it is back.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #restsUntilMs = 0;
  #isTrying = false;

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** True while calls are kept away. */
  get isOpen(): boolean {
    return this.#failures >= TRIPPED_AFTER;
  }

  /** How long, in milliseconds, a call has to wait; 0 if it may be made now. */
  get waitMs(): number {
    if (!this.isOpen) return 0;
    const rest = this.#restsUntilMs - this.#clock.monotonic();
    return rest > 0 ? rest : this.#isTrying ? REST.firstMs : 0;
  }

  /** A call begins. */
  began(): void {
    this.#isTrying = this.isOpen;
  }

  /** It was answered. */
  succeeded(): void {
    this.#failures = 0;
    this.#isTrying = false;
  }

  /** It was not. */
  failed(): void {
    this.#failures++;
    this.#isTrying = false;
    if (!this.isOpen) return;
    const restMs = backoffMs(this.#failures - TRIPPED_AFTER + 1, this.#random, REST);
    this.#restsUntilMs = this.#clock.monotonic() + restMs;
  }

  /** It was given up by us: nothing is known of the extension. */
  ended(): void {
    this.#isTrying = false;
  }
}
