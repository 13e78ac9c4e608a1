import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/outcome.ts";

/** How often, in milliseconds, memory is given back. A collection of this heap takes some 20 ms. */
const COLLECT_EVERY_MS = 10_000;

/** How often, in milliseconds, it is looked whether the heap has grown by so many bytes: then it is given back at once. */
const LOOK_EVERY_MS = 250;
const MOST_GROWTH = 32 * 1024 * 1024;

/** The garbage collector, where the executable was built with `--expose-gc`; run from source there is none. */
export const systemCollector: (() => void) | undefined = Reflect.get(globalThis, "gc");

/**
 * Gives back what a burst of machines has used, or a look at a hundred thousand that have come to their end. V8 by itself
 * keeps it until it is needed again: 50 MiB after 1,000 machines on a heap of 15.
 */
export class MemoryKeeper implements Loop {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #collect: () => void;
  readonly #heapUsed: () => number;
  #dueMs = -Infinity;
  /** Bytes that were left after the last collection. */
  #left = 0;

  constructor(options: { clock: Clock; collect: () => void; heapUsed: () => number }) {
    this.#clock = options.clock;
    this.#collect = options.collect;
    this.#heapUsed = options.heapUsed;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const now = this.#clock.monotonic();
    if (now >= this.#dueMs || this.#heapUsed() > this.#left + MOST_GROWTH) {
      this.#collect();
      this.#left = this.#heapUsed();
      this.#dueMs = now + COLLECT_EVERY_MS;
    }
    return Promise.resolve({ kind: "again", atMs: now + LOOK_EVERY_MS });
  }
}
