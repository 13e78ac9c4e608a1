/**
 * The time of a clock that may leap forward: leaps are not followed, so that nothing grows old at once. A clock that is set
 * back is followed. What a leap put right is found out by the next process.
 */
export class SteadyTime {
  #aheadMs = Infinity;

  /** Milliseconds since the epoch. @param nowMs what the clock says at this moment of the monotonic clock */
  at(nowMs: number, monotonicMs: number): number {
    this.#aheadMs = Math.min(this.#aheadMs, nowMs - monotonicMs);
    return this.#aheadMs + monotonicMs;
  }
}
