import { backoffMs } from "./backoff.ts";
import type { Watching } from "./watching.ts";

/** What does not work now, by a key of the caller's: each is tried again with growing patience, and all others go on. */
export class Setbacks {
  readonly #clock: Watching["clock"];
  readonly #random: Watching["random"];
  readonly #tell: (key: string, error: unknown) => void;
  readonly #byKey = new Map<string, { failures: number; againMs: number; reason: string }>();

  /** @param tell is told of each setback, and again where its reason changes; not of every try */
  constructor(watching: Pick<Watching, "clock" | "random">, tell: (key: string, error: unknown) => void) {
    this.#clock = watching.clock;
    this.#random = watching.random;
    this.#tell = tell;
  }

  /** True while it is too early to try this again. */
  waits(key: string): boolean {
    return this.#clock.monotonic() < (this.#byKey.get(key)?.againMs ?? 0);
  }

  /** Notes that it did not work. */
  note(key: string, error: unknown): void {
    const before = this.#byKey.get(key);
    const failures = (before?.failures ?? 0) + 1;
    const reason = String(error);
    this.#byKey.set(key, { failures, againMs: this.#clock.monotonic() + backoffMs(failures, this.#random), reason });
    if (before?.reason !== reason) this.#tell(key, error);
  }

  /** Notes that it worked, or that nobody wants it any more. */
  clear(key: string): void {
    this.#byKey.delete(key);
  }

  /** Forgets all that `isWanted` does not want any more. */
  retain(isWanted: (key: string) => boolean): void {
    for (const key of this.#byKey.keys()) if (!isWanted(key)) this.#byKey.delete(key);
  }

  /** When the first of them may be tried again, on the monotonic clock; infinity where there are none. */
  get nextMs(): number {
    let next = Infinity;
    for (const { againMs } of this.#byKey.values()) next = Math.min(next, againMs);
    return next;
  }
}
