import { setImmediate } from "node:timers";
import type { Clock } from "../../src/clock.ts";

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  /** Nothing once it was cancelled. */
  wake: (() => void) | undefined;
}

/** A clock whose time moves only when it is told to. */
export class SimulatedClock implements Clock {
  #nowMs: number;
  #monotonicMs = 1_000_000;
  /** A binary heap, the next one first; of one moment, in the order in which they fell asleep. */
  readonly #sleepers: Sleeper[] = [];
  #order = 0;

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
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Calls `wake` once `ms` milliseconds are over, unless it is cancelled before. @returns how to cancel it */
  after(ms: number, wake: () => void): () => void {
    const sleeper: Sleeper = { atMs: this.#monotonicMs + Math.max(ms, 0), order: this.#order++, wake };
    this.#push(sleeper);
    return () => void (sleeper.wake = undefined);
  }

  /** When the next sleeper wakes, in milliseconds from now (negative where time passed it by); nothing where no one sleeps. */
  get nextMs(): number | undefined {
    const next = this.#first();
    return next && next.atMs - this.#monotonicMs;
  }

  /** Lets time pass: everybody whose sleep ends on the way wakes in order, and does what there is to do, before it goes on. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settled();
    for (let next = this.#first(); next && next.atMs <= untilMs; next = this.#first()) {
      this.#wake(next);
      await settled();
    }
    this.pass(untilMs - this.#monotonicMs);
  }

  /** Lets time pass until the next sleeper wakes; what it does then is the caller's to await. False where no one sleeps. */
  wakeNext(): boolean {
    const next = this.#first();
    if (next) this.#wake(next);
    return next !== undefined;
  }

  /** Lets time pass that somebody spends without looking up: no one wakes before that is over. */
  pass(ms: number): void {
    const passed = Math.max(0, ms);
    this.#monotonicMs += passed;
    this.#nowMs += passed;
  }

  /**
   * Lets time pass, from one sleeper to the next, until `condition` holds.
   * @throws Error where it does not within `withinMs` (default one hour), or no one is left to wake
   */
  async runUntil(condition: () => boolean, { withinMs = 3_600_000 }: { withinMs?: number } = {}): Promise<void> {
    const endMs = this.#monotonicMs + withinMs;
    await settled();
    while (!condition()) {
      const nextMs = this.nextMs;
      if (nextMs === undefined || this.#monotonicMs + nextMs > endMs) {
        const asleep = this.#sleepers.filter(({ wake }) => wake).length;
        throw new Error(`Nothing came of it within ${withinMs} ms, with ${asleep} asleep: ${condition}`);
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

  /** Sets the wall clock as an administrator does: no one's sleep ends sooner or later. */
  setNow(ms: number): void {
    this.#nowMs = ms;
  }

  #wake(sleeper: Sleeper): void {
    this.#pop();
    this.pass(sleeper.atMs - this.#monotonicMs);
    sleeper.wake?.();
  }

  #first(): Sleeper | undefined {
    while (this.#sleepers[0] && !this.#sleepers[0].wake) this.#pop();
    return this.#sleepers[0];
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let at = heap.push(sleeper) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(sleeper, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = sleeper;
  }

  #pop(): void {
    const heap = this.#sleepers;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Resolves when everything that waits for nothing from outside has been done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
