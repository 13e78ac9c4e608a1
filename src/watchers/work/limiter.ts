import type { Clock } from "../../clock.ts";
import { KubeError } from "../../kube/errors.ts";
import type { Random } from "../../random.ts";
import { backoffMs } from "./backoff.ts";

/** True where it is not one object that is in trouble, but the cluster or the way to it: nothing is known until that is over. */
export function isClusterTrouble(error: unknown): boolean {
  return error instanceof KubeError && ["unavailable", "throttled", "unauthorised"].includes(error.kind);
}

/**
 * How many calls may be under way at once, and a pause for all of them while the cluster is away or asks for patience:
 * one machine's own trouble holds nobody else up.
 */
export class Limiter {
  readonly limit: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #freed: () => void;
  readonly #running = new Set<Promise<void>>();
  #failures = 0;
  #pausedUntilMs = 0;
  /** Until when the server has asked us to wait: no success of a call beside that one takes it back. */
  #askedUntilMs = 0;

  /** @param options `freed` is called after each call that ends */
  constructor(limit: number, options: { clock: Clock; random: Random; freed: () => void }) {
    this.limit = limit;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#freed = options.freed;
  }

  /** How many calls may be started now. While the cluster is away, one is let through after each pause to try it. */
  get free(): number {
    if (this.#clock.monotonic() < this.#pausedUntilMs) return 0;
    return Math.max(0, (this.#failures > 0 ? 1 : this.limit) - this.#running.size);
  }

  /** When calls may be started again, on the monotonic clock. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** Starts one call, which must not throw. */
  start(call: () => Promise<void>): void {
    const running = call().finally(() => {
      this.#running.delete(running);
      this.#freed();
    });
    this.#running.add(running);
  }

  /** Notes that the cluster answers. */
  succeeded(): void {
    this.#failures = 0;
    this.#pausedUntilMs = this.#askedUntilMs;
  }

  /** Notes a call that failed, and pauses all where the trouble is not that one object's. */
  failed(error: unknown): void {
    if (!(error instanceof KubeError)) return;
    if (!isClusterTrouble(error)) return this.succeeded();
    const now = this.#clock.monotonic();
    this.#askedUntilMs = Math.max(this.#askedUntilMs, now + (error.retryAfterMs ?? 0));
    if (now < this.#pausedUntilMs) return; // The calls beside this one have said so already.
    this.#failures++;
    this.#pausedUntilMs = Math.max(this.#askedUntilMs, now + backoffMs(this.#failures, this.#random));
  }

  /** Resolves once no call is under way. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
