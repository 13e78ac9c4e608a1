/** The precision of the `Date` header, in milliseconds (source: RFC 9110, 6.6.1: whole seconds, fractions dropped). */
const PRECISION_MS = 1_000;

/**
 * The time on the cluster: that of the `Date` headers of its answers, advanced by our monotonic clock in between. The
 * wall clock of the machine that we run on may be wrong, and may jump.
 */
export class ClusterTime {
  /**
   * How far the cluster's time is ahead of our monotonic clock, in milliseconds: a lower bound, at most a second too
   * low.
   */
  #aheadMs: number | undefined;

  /** Takes note of an answer's `Date` header, of a call that went out at `askedMs` and was answered at `heardMs`. */
  heard(date: string | null, { askedMs, heardMs }: { askedMs: number; heardMs: number }): void {
    const dateMs = date === null ? NaN : Date.parse(date);
    if (Number.isNaN(dateMs)) return;
    // Each answer gives a lower and an upper bound of the difference. The greatest lower bound so far is kept. If it is
    // above the new upper bound, the cluster's clock was set back, or a server with another clock answers.
    const least = dateMs - heardMs;
    const most = dateMs + PRECISION_MS - askedMs;
    if (this.#aheadMs === undefined || least > this.#aheadMs || most < this.#aheadMs) this.#aheadMs = least;
  }

  /**
   * The time at a moment of the monotonic clock, in milliseconds since the epoch, at most a second late; `undefined`
   * before the first answer.
   */
  at(monotonicMs: number): number | undefined {
    return this.#aheadMs === undefined ? undefined : this.#aheadMs + monotonicMs;
  }
}
