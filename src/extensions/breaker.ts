import type { Clock } from "../clock.ts";
import { type BackoffLimits, backoffMs } from "../kube/backoff.ts";
import type { Random } from "../random.ts";

/** After how many unanswered calls in a row an extension is left alone for a while. */
const TRIPPED_AFTER = 5;

/** How long it is left alone at first and at most, in milliseconds. The time doubles with each further failure. */
const REST: BackoffLimits = { firstMs: 1_000, longestMs: 30_000 };

/**
 * A circuit breaker: keeps calls away from an extension that does not answer. Once it has failed often enough in a row,
 * one call at a time is let through to find out whether it is back.
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

  /** How long a call has to wait, in milliseconds; 0 if it may be made now. */
  get waitMs(): number {
    if (!this.isOpen) return 0;
    const rest = this.#restsUntilMs - this.#clock.monotonic();
    return rest > 0 ? rest : this.#isTrying ? REST.firstMs : 0;
  }

  /** Notes that a call begins. */
  began(): void {
    this.#isTrying = this.isOpen;
  }

  /** Notes that a call was answered. */
  succeeded(): void {
    this.#failures = 0;
    this.#isTrying = false;
  }

  /** Notes that a call was not answered. */
  failed(): void {
    this.#failures++;
    this.#isTrying = false;
    if (!this.isOpen) return;
    const restMs = backoffMs(this.#failures - TRIPPED_AFTER + 1, this.#random, REST);
    this.#restsUntilMs = this.#clock.monotonic() + restMs;
  }

  /** Notes that we aborted a call, which says nothing about the extension. */
  ended(): void {
    this.#isTrying = false;
  }
}
