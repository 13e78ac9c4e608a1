import { setImmediate } from "node:timers";
import type { Clock } from "../../src/clock.ts";

/** A clock whose time moves only when it is told to. */
export class SimulatedClock implements Clock {
  #nowMs: number;
  #monotonicMs = 1_000_000;
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>();

  /** @param startMs the wall clock at the start. Default: 2026-11-20 */
  constructor(startMs = Date.UTC(2026, 10, 20)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const sleeper = { atMs: this.#monotonicMs + Math.max(ms, 0), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** When the next sleeper wakes, in milliseconds from now; nothing where nobody sleeps. */
  get nextMs(): number | undefined {
    if (this.#sleepers.size === 0) return undefined;
    return Math.min(...Array.from(this.#sleepers, ({ atMs }) => atMs)) - this.#monotonicMs;
  }

  /** Lets time pass: everybody whose sleep ends on the way wakes in order, and does what there is to do, before it goes on. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settled();
    while (true) {
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0];
      if (!next || next.atMs > untilMs) break;
      this.#move(next.atMs);
      this.#sleepers.delete(next);
      next.wake();
      await settled();
    }
    this.#move(untilMs);
  }

  /**
   * Lets time pass, from one sleeper to the next, until `condition` holds.
   * @throws Error where it does not within `withinMs` (default one hour), or nobody is left to wake
   */
  async runUntil(condition: () => boolean, { withinMs = 3_600_000 }: { withinMs?: number } = {}): Promise<void> {
    const endMs = this.#monotonicMs + withinMs;
    await settled();
    while (!condition()) {
      const nextMs = this.nextMs;
      if (nextMs === undefined || this.#monotonicMs + nextMs > endMs) {
        throw new Error(`Nothing came of it within ${withinMs} ms, with ${this.#sleepers.size} asleep: ${condition}`);
      }
      await this.advance(nextMs);
    }
  }

  /** Lets time pass for as long as `promise` is not settled, and gives back what came of it. Bounds as `runUntil`. */
  async runWhile<T>(promise: Promise<T>, options: { withinMs?: number } = {}): Promise<T> {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    promise.then(settle, settle);
    await this.runUntil(() => isSettled, options);
    return await promise;
  }

  /** Sets the wall clock as an administrator does: nobody's sleep ends sooner or later. */
  setNow(ms: number): void {
    this.#nowMs = ms;
  }

  #move(toMs: number): void {
    const passed = Math.max(0, toMs - this.#monotonicMs);
    this.#monotonicMs += passed;
    this.#nowMs += passed;
  }
}

/** Resolves when everything that waits for nothing from outside has been done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
