import type { Clock } from "../../clock.ts";

/** Something that will happen at a given time, unless it is cancelled before. */
export interface Appointment {
  /** On the clock's `monotonic()`. */
  readonly due: number;
  cancel(): void;
}

interface Entry extends Appointment {
  order: number;
  run: (() => void) | undefined;
}

/**
 * Schedules many things with a single sleep of the clock at a time. Things that are due at the same time happen in the
 * order in which they were scheduled. Nothing is left waiting after `stop()`.
 */
export class Timeline {
  readonly #clock: Clock;
  /** A binary heap, earliest first. */
  readonly #heap: Entry[] = [];
  #order = 0;
  #sleep: { due: number; abort: AbortController } | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` after `ms` milliseconds. */
  after(ms: number, run: () => void): Appointment {
    const entry: Entry = {
      due: this.#clock.monotonic() + Math.max(ms, 0),
      order: this.#order++,
      run,
      cancel: () => entry.run = undefined,
    };
    if (this.#stopped) return entry;
    this.#push(entry);
    this.#arm();
    return entry;
  }

  /** Calls `run` every `ms` milliseconds until it is cancelled. */
  every(ms: number, run: () => void): { cancel(): void } {
    let next: Appointment;
    const plan = () => {
      next = this.after(Math.max(ms, 1), () => {
        plan();
        run();
      });
    };
    plan();
    return { cancel: () => next.cancel() };
  }

  stop(): void {
    this.#stopped = true;
    this.#heap.length = 0;
    this.#sleep?.abort.abort();
    this.#sleep = undefined;
  }

  #arm(): void {
    while (this.#heap[0] && !this.#heap[0].run) this.#pop();
    const first = this.#heap[0];
    if (!first || (this.#sleep && this.#sleep.due <= first.due)) return;
    this.#sleep?.abort.abort();
    const abort = new AbortController();
    this.#sleep = { due: first.due, abort };
    this.#clock.sleep(first.due - this.#clock.monotonic(), abort.signal).then(
      () => this.#wake(abort),
      () => {}, // Aborted: another sleep has replaced it, or the timeline was stopped.
    );
  }

  #wake(abort: AbortController): void {
    if (this.#sleep?.abort !== abort) return;
    const now = this.#clock.monotonic();
    while (this.#heap[0] && this.#heap[0].due <= now) this.#pop()?.run?.();
    this.#sleep = undefined;
    this.#arm();
  }

  #push(entry: Entry): void {
    let at = this.#heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return first;
    let at = 0;
    while (true) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!isBefore(this.#heap[child]!, last)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
