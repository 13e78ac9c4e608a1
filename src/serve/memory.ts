import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";
import type { Usage } from "./stats_line.ts";

/** How often, in milliseconds, it is seen whether the heap has grown. */
const LOOK_EVERY_MS = 10_000;

/** How often, in milliseconds, garbage is collected at least. A collection of a heap with 10,000 machines takes some 50 ms. */
const COLLECT_EVERY_MS = 60_000;

/**
 * By how many bytes the heap may grow before garbage is collected: at once, and with the next look, if it is not only new
 * objects that V8 is about to collect by itself.
 */
const MOST_GROWTH = 32 * 1024 * 1024;
const MOST_GROWTH_AT_LOOK = 8 * 1024 * 1024;

/** How many free bytes the process may keep. */
const MOST_KEPT = 32 * 1024 * 1024;

/** Collects garbage; `whole` gives the memory that becomes free back to the system, which takes several times as long. */
export type Collect = (options: { whole: boolean }) => void;

/** The garbage collector, where the executable was built with `--expose-gc`; run from source there is none. */
export const systemCollector: Collect | undefined = (() => {
  const gc: ((options: object) => void) | undefined = Reflect.get(globalThis, "gc");
  // Of all flavors, only the last resort empties V8's pool of pages.
  return gc && (({ whole }) => gc({ type: "major", execution: "sync", flavor: whole ? "last-resort" : "regular" }));
})();

/**
 * Gives back what a burst of machines has used, or a look at a hundred thousand that have come to their end. V8 by itself
 * lets the heap grow to several times what is in use, and keeps it.
 */
export class MemoryKeeper implements Loop {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #collect: Collect;
  readonly #usage: () => Usage;
  #lookMs = -Infinity;
  #collectMs = -Infinity;
  /** Bytes of the heap in use after the last collection. */
  #inUse = 0;
  /** Bytes that the process holds beside, when that was least or could not be made less. */
  #beside = Infinity;

  constructor(options: { clock: Clock; collect: Collect; usage: () => Usage }) {
    this.#clock = options.clock;
    this.#collect = options.collect;
    this.#usage = options.usage;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    this.look();
    return Promise.resolve({ kind: "again", atMs: this.#lookMs });
  }

  /** To be called after whatever may have used much memory. */
  look(): void {
    const now = this.#clock.monotonic();
    const isDue = now >= this.#lookMs;
    const { heapUsed, rss } = this.#usage();
    if (isDue) this.#lookMs = now + LOOK_EVERY_MS;
    const growth = heapUsed - this.#inUse;
    const isMuch = growth > (isDue ? MOST_GROWTH_AT_LOOK : MOST_GROWTH);
    const isKept = isDue && rss - heapUsed > this.#beside + MOST_KEPT;
    if (!isMuch && !isKept && now < this.#collectMs) return;
    this.#collect({ whole: false });
    if (isDue && this.#measure() > this.#beside + MOST_KEPT) {
      this.#collect({ whole: true });
      this.#beside = this.#measure();
    }
    this.#beside = Math.min(this.#beside, this.#measure());
    this.#collectMs = now + COLLECT_EVERY_MS;
  }

  /** @returns how many bytes the process holds beside the heap in use */
  #measure(): number {
    const { rss, heapUsed } = this.#usage();
    this.#inUse = heapUsed;
    return rss - heapUsed;
  }
}
