import type { Clock } from "../clock.ts";
import { logger, tellGathered } from "../log.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";

/** How often, in milliseconds, it is looked at how late the event loop is. */
const BEAT_EVERY_MS = 200;

/** How often, in milliseconds, a line is logged. */
const TELL_EVERY_MS = 60_000;

/** Bytes of memory that the process holds. */
export interface Usage {
  rss: number;
  heapUsed: number;
}

/** What this process holds. */
export const systemUsage: () => Usage = () => Deno.memoryUsage();

const log = logger("stats");

/**
 * Says once a minute how the process is. `delayP99Ms` and `delayMaxMs` are how late its event loop was: high ones mean
 * too little CPU, or a work directory that is slow. `heapMiB` is the least of the minute, what is left after a collection.
 */
export class StatsLine implements Loop {
  readonly name = "stats";
  readonly #clock: Clock;
  readonly #usage: () => Usage;
  readonly #counts: () => Readonly<Record<string, number | undefined>>;
  readonly #delayed: (ms: number) => void;
  #dueMs: number;
  #tellAtMs: number;
  /** Milliseconds, since the last line. */
  #delays: number[] = [];
  #leastHeap = Infinity;

  /** @param options `counts`: what the loops tell of themselves, see `Loop`; `delayed` is told how late each look was */
  constructor(
    options: {
      clock: Clock;
      usage: () => Usage;
      counts?: () => Readonly<Record<string, number | undefined>>;
      delayed?: ((ms: number) => void) | undefined;
    },
  ) {
    this.#clock = options.clock;
    this.#usage = options.usage;
    this.#counts = options.counts ?? (() => ({}));
    this.#delayed = options.delayed ?? (() => {});
    this.#dueMs = this.#clock.monotonic();
    this.#tellAtMs = this.#dueMs + TELL_EVERY_MS;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const now = this.#clock.monotonic();
    const lateMs = Math.max(0, now - this.#dueMs);
    this.#delays.push(lateMs);
    this.#delayed(lateMs);
    const { rss, heapUsed } = this.#usage();
    this.#leastHeap = Math.min(this.#leastHeap, heapUsed);
    tellGathered();
    if (now >= this.#tellAtMs) this.#tell(now, rss);
    this.#dueMs = this.#clock.monotonic() + BEAT_EVERY_MS;
    return Promise.resolve({ kind: "again", atMs: this.#dueMs });
  }

  #tell(now: number, rss: number): void {
    const delays = this.#delays.sort((a, b) => a - b);
    log.info("Stats", {
      rssMiB: mebibytes(rss),
      heapMiB: mebibytes(this.#leastHeap),
      delayP99Ms: Math.round(delays[Math.ceil(0.99 * delays.length) - 1] ?? 0),
      delayMaxMs: Math.round(delays.at(-1) ?? 0),
      ...this.#counts(),
    });
    this.#delays = [];
    this.#leastHeap = Infinity;
    this.#tellAtMs = now + TELL_EVERY_MS;
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 102.4) / 10;
}
