/** What one request asks of the slots. */
export interface FairShareOptions {
  /** How many machines could be started. */
  ready: number;
  /** How many are under way. */
  inFlight: number;
  /** The place among all starts that its last one had; 0 before the first. */
  lastStart: number;
}

/**
 * Which requests the free slots go to: half of all slots are the oldest request's, the other half goes to the others in
 * turn, so that a large request does not hold up a small one that came later. Of a single slot, every second turn is the
 * oldest's.
 * @param requests oldest first
 * @returns how many each gets, in the same order
 */
export function shareFairly(requests: FairShareOptions[], options: { limit: number; free: number }): number[] {
  const given = requests.map(() => 0);
  const running = (i: number) => (requests[i]?.inFlight ?? 0) + (given[i] ?? 0);
  const lastStart = (i: number) => requests[i]?.lastStart ?? 0;
  const comesFirst = (a: number, b: number) => (running(a) - running(b) || lastStart(a) - lastStart(b)) < 0;
  const ready = (i: number) => (requests[i]?.ready ?? 0) > (given[i] ?? 0);
  for (let free = options.free; free > 0; free--) {
    const [oldest, ...others] = requests.map((_, i) => i).filter(ready);
    if (oldest === undefined) break;
    const least = others.reduce<number | undefined>(
      (best, i) => best === undefined || comesFirst(i, best) ? i : best,
      undefined,
    );
    const hasHalf = options.limit > 1
      ? running(oldest) >= options.limit / 2
      : running(oldest) > 0 || (lastStart(oldest) > 0 && others.every((i) => lastStart(i) <= lastStart(oldest)));
    const chosen = least !== undefined && hasHalf ? least : oldest;
    given[chosen] = (given[chosen] ?? 0) + 1;
  }
  return given;
}
