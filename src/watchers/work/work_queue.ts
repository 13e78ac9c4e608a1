import type { Clock } from "../../clock.ts";
import type { BackoffLimits } from "../../kube/backoff.ts";
import type { Random } from "../../random.ts";
import type { Backlog } from "../loop.ts";
import { backoffMs } from "./backoff.ts";
import type { Lane, Limiter } from "./limiter.ts";

/** What the queue keeps of one key. */
interface Entry<Item> {
  key: string;
  item: Item;
  /** Failures in a row. */
  failures: number;
  isInFlight: boolean;
  /** It was forgotten while in flight. */
  isForgotten: boolean;
  /** When it may be added again, on the monotonic clock; ignored while it is queued or in flight. */
  dueMs: number;
}

/** What a queue does with its keys. */
export interface Work<Item> {
  /** Calls in flight at once. */
  concurrency: number;
  /**
   * Makes the call for one key.
   * @returns for how many milliseconds the key is not to be added again; `undefined` if the queue is to forget it
   * @throws to have it wait, longer with each failure in a row
   */
  call: (key: string, item: Item) => Promise<number | undefined>;
  /** How long a key waits that failed. Default: as for every watcher. */
  backoff?: BackoffLimits;
  /** Told of each failure, unless the process is at its end. */
  failed: (key: string, failure: { error: unknown; failures: number }) => void;
  /** Called when nothing is queued any more. */
  idle: () => void;
}

/**
 * Calls to the cluster by key: each key is in flight once at most, first come first served, within the limits of a lane, and a
 * key that failed waits. A key that waits is not tried by itself: its owner looks again whether that is still wanted, and
 * adds it again.
 */
export class WorkQueue<Item> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stopping: AbortSignal;
  readonly #signal: AbortSignal;
  readonly #work: Work<Item>;
  readonly #lane: Lane;
  readonly #entries = new Map<string, Entry<Item>>();
  /** Of these, the ones to be called for, the next one first. */
  readonly #queued = new Set<Entry<Item>>();

  constructor(
    { clock, random, limiter, stopping, signal }: {
      clock: Clock;
      random: Random;
      limiter: Limiter;
      stopping: AbortSignal;
      signal: AbortSignal;
    },
    work: Work<Item>,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stopping = stopping;
    this.#signal = signal;
    this.#work = work;
    this.#lane = limiter.lane(work.concurrency, () => this.#freed());
  }

  /** How many keys are queued, in flight, or waiting. */
  get size(): number {
    return this.#entries.size;
  }

  /** The same, with how many of these failed the last time. */
  get backlog(): Backlog {
    let failed = 0;
    for (const { failures } of this.#entries.values()) if (failures > 0) failed++;
    return { all: this.#entries.size, failed };
  }

  /** What was added with the key, for as long as the queue knows it. */
  get(key: string): Item | undefined {
    return this.#entries.get(key)?.item;
  }

  /** True from when a key was added until it is forgotten. */
  has(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && !entry.isForgotten;
  }

  /** Queues a key, unless it is queued or in flight, or has to wait. Nothing begins before `start`. */
  add(key: string, item: Item): void {
    if (this.isBusy(key)) return;
    const entry = this.#entries.get(key) ?? { key, item, failures: 0, isInFlight: false, isForgotten: false, dueMs: 0 };
    this.#entries.set(key, entry);
    this.#queued.add(entry);
  }

  /** True while a key is queued or in flight, or has to wait. */
  isBusy(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined &&
      (entry.isInFlight || this.#queued.has(entry) || this.#clock.monotonic() < entry.dueMs);
  }

  /** Begins as many of the queued calls as the lane has room for. */
  start(): void {
    while (this.#lane.free > 0 && !this.#stopping.aborted) {
      const [entry] = this.#queued;
      if (!entry) return;
      this.#queued.delete(entry);
      entry.isInFlight = true;
      this.#lane.start(() => this.#call(entry));
    }
  }

  /** Forgets a key, and how often it failed; a call in flight goes on to its end. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#queued.delete(entry);
    if (entry.isInFlight) entry.isForgotten = true;
    else this.#entries.delete(key);
  }

  /** Forgets every key that `isWanted` does not want any more. */
  retain(isWanted: (key: string, item: Item) => boolean): void {
    for (const { key, item } of this.#entries.values()) if (!isWanted(key, item)) this.forget(key);
  }

  /** When a key may be added again, or a queued one called for, on the monotonic clock; infinity if there is none. */
  get nextMs(): number {
    let next = this.#queued.size > 0 && this.#lane.free === 0 ? this.#lane.pausedUntilMs : Infinity;
    for (const entry of this.#entries.values()) {
      if (!entry.isInFlight && !this.#queued.has(entry)) next = Math.min(next, entry.dueMs);
    }
    return next;
  }

  /** Resolves once no call is in flight. */
  drained(): Promise<void> {
    return this.#lane.drained();
  }

  #freed(): void {
    this.start();
    if (this.#queued.size === 0) this.#work.idle();
  }

  async #call(entry: Entry<Item>): Promise<void> {
    const { key, item } = entry;
    try {
      const waitMs = await this.#work.call(key, item);
      this.#lane.succeeded();
      entry.failures = 0;
      if (waitMs === undefined) entry.isForgotten = true;
      entry.dueMs = this.#clock.monotonic() + (waitMs ?? 0);
    } catch (error) {
      entry.failures++;
      entry.dueMs = this.#clock.monotonic() + backoffMs(entry.failures, this.#random, this.#work.backoff);
      if (this.#signal.aborted) return;
      this.#lane.failed(error);
      this.#work.failed(key, { error, failures: entry.failures });
    } finally {
      entry.isInFlight = false;
      if (entry.isForgotten) this.#entries.delete(key);
    }
  }
}
