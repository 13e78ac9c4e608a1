/** The precision of the `Date` header, in milliseconds (source: RFC 9110, 6.6.1: whole seconds, fractions dropped). */
const PRECISION_MS = 1_000;

/**
 * What time it is on the cluster, as the `Date` headers of its answers say, carried on by our monotonic clock in between:
 * the clock of the machine that we run on may be wrong, and may jump.
 */
export class ClusterTime {
  /** How far the cluster's time is ahead of our monotonic clock, in milliseconds; at least, and at most a second more. */
  #aheadMs: number | undefined;

  /** Takes note of an answer's `Date` header, of a call that went out at `askedMs` and was answered at `heardMs`. */
  heard(date: string | null, { askedMs, heardMs }: { askedMs: number; heardMs: number }): void {
    const dateMs = date === null ? NaN : Date.parse(date);
    if (Number.isNaN(dateMs)) return;
    // Each answer tells between which bounds the difference lies. What fits the bounds of all so far is kept, and the
    // narrowest wins; where one does not fit, the cluster's clock was set back, or a server with another clock answers.
    const least = dateMs - heardMs;
    const most = dateMs + PRECISION_MS - askedMs;
    if (this.#aheadMs === undefined || least > this.#aheadMs || most < this.#aheadMs) this.#aheadMs = least;
  }

  /** Milliseconds since the epoch, at most a second late, at this moment of the monotonic clock; nothing before any answer. */
  at(monotonicMs: number): number | undefined {
    return this.#aheadMs === undefined ? undefined : this.#aheadMs + monotonicMs;
  }
}
