import type { Clock } from "../../clock.ts";

/**
 * How long ago something was first seen, by clocks of ours: while this process runs by the monotonic one, which no one sets;
 * for what an earlier process saw first, by the host's. The cluster's clock may be as wrong as any other.
 */
export class OwnAges {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  /** By key, when it was first seen, on the monotonic clock, in milliseconds. */
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  /**
   * Seconds since then.
   * @param seenAt when it was first seen by the host's clock, in seconds since the epoch; unknown: now
   */
  of(key: string, seenAt: number | undefined): number {
    const now = this.#clock.monotonic();
    const elapsedMs = seenAt === undefined ? 0 : Math.max(0, this.#clock.now() - seenAt * 1000);
    const sinceMs = this.#sinceMs.get(key) ?? now - elapsedMs;
    this.#sinceMs.set(key, sinceMs);
    return (now - sinceMs) / 1000;
  }

  /** Forgets all that `isWanted` does not want any more. */
  retain(isWanted: (key: string) => boolean): void {
    for (const key of this.#sinceMs.keys()) if (!isWanted(key)) this.#sinceMs.delete(key);
  }
}
