import { setImmediate } from "node:timers";

/** Time, owned by any process that wires the parts together, so that a simulation can own it too. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. May jump; for what is written down, never for waiting. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never goes back. For deadlines and backoff. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds; after 0, once all that is due by now has had its turn.
   * @throws the signal's reason, as soon as `signal` aborts
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What a wait is aborted with that no one needs any more. An abort without a reason makes an exception, stack and all. */
export const NOT_NEEDED = Symbol("not needed any more");

/** The longest delay that a timer takes (2^31 - 1 ms); a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The clock of the machine we run on. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (ms <= 0) return void setImmediate(resolve); // A timer takes a millisecond at least.
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

/** Whole seconds since the epoch, the unit of everything that Symphony and the work directory see. */
export function epochSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** A time as Kubernetes writes it, as whole seconds since the epoch; nothing for what is no time. */
export function timestampSeconds(time: string | null | undefined): number | undefined {
  if (!time) return undefined;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : epochSeconds(ms);
}

/** The latest of some times, each as in `timestampSeconds`; nothing if none of them is a time. */
export function latestSeconds(times: readonly (string | null | undefined)[]): number | undefined {
  const known = times.map(timestampSeconds).filter((time) => time !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}
