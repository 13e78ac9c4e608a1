import type { Clock } from "../../src/clock.ts";

/** The clock of another machine, which passes time as the first one does but says another. */
export class SkewedClock implements Clock {
  readonly #clock: Clock;
  /** How far it is ahead, in milliseconds (behind: less than 0). */
  aheadMs: number;

  constructor(clock: Clock, aheadMs: number) {
    this.#clock = clock;
    this.aheadMs = aheadMs;
  }

  now(): number {
    return this.#clock.now() + this.aheadMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }
}
