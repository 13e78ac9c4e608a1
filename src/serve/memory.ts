import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/outcome.ts";

/** How often, in milliseconds, memory is given back. A collection of this heap takes some 20 ms. */
const COLLECT_EVERY_MS = 10_000;

/** The garbage collector, where the executable was built with `--expose-gc`; run from source there is none. */
export const systemCollector: (() => void) | undefined = Reflect.get(globalThis, "gc");

/**
 * Gives back what a burst of machines has used. V8 by itself keeps it until it is needed again: 50 MiB after 1,000 machines
 * on a heap of 15.
 */
export class MemoryKeeper implements Loop {
  readonly name = "memory";
  readonly #clock: Clock;
  readonly #collect: () => void;

  constructor(options: { clock: Clock; collect: () => void }) {
    this.#clock = options.clock;
    this.#collect = options.collect;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    this.#collect();
    return Promise.resolve({ kind: "again", atMs: this.#clock.monotonic() + COLLECT_EVERY_MS });
  }
}
