import type { MachineState } from "../hf/status.ts";

/** Seconds between fresh samples, between older ones, and how long samples are kept. */
const FINE = { everySeconds: 10, keptSeconds: 600 };
const COARSE = { everySeconds: 60, keptSeconds: 6 * 3_600 };

/** How many times to running one sample keeps. */
const MOST_STARTS = 30_000;

/** How many machines were in each state at one time, in seconds since the epoch. */
export interface MachinesSample {
  at: number;
  counts: Partial<Record<MachineState, number>>;
}

/** How long machines took from their request to running, in seconds, of those that began to run in the minute before `at`. */
export interface StartsSample {
  at: number;
  machines: number;
  median: number;
  p95: number;
}

/** Samples of the last hours, for graphs: those of this process, and before them those that `prepend` is given. */
export class History {
  /** How far back samples are kept, in seconds. */
  readonly keptSeconds = COARSE.keptSeconds;
  readonly #machines: MachinesSample[] = [];
  readonly #starts: StartsSample[] = [];
  #startsNow: number[] = [];
  #startsSince = -Infinity;

  /** @param now seconds since the epoch */
  sample(counts: MachinesSample["counts"], now: number): void {
    this.#closeStarts(now);
    const last = this.#machines.at(-1);
    if (last && now - last.at < FINE.everySeconds) return;
    this.#machines.push({ at: now, counts });
    this.#thin(now);
  }

  /** Puts these samples before all others, the oldest first. `seconds` are times to running, as for `started`. */
  prepend(
    { machines, starts }: { machines: readonly MachinesSample[]; starts: readonly { at: number; seconds: number[] }[] },
  ): void {
    const [firstMachines = Infinity, firstStarts = Infinity] = [this.#machines[0]?.at, this.#starts[0]?.at];
    this.#machines.unshift(...machines.filter(({ at }) => at < firstMachines));
    const closed = starts.map(({ at, seconds }) => startsOf(seconds, at)).filter((sample) => sample !== undefined);
    this.#starts.unshift(...closed.filter(({ at }) => at < firstStarts));
  }

  /** A machine has begun to run, so many seconds after it was requested. */
  started(seconds: number, now: number): void {
    this.#closeStarts(now);
    if (this.#startsNow.length === 0) this.#startsSince = now;
    if (this.#startsNow.length < MOST_STARTS) this.#startsNow.push(seconds);
  }

  /** The samples, the oldest first. They do not change later. */
  get machines(): readonly MachinesSample[] {
    return this.#machines;
  }

  /** The times to running by minute. The last sample is the minute that is not over yet. */
  get starts(): readonly StartsSample[] {
    const now = startsOf(this.#startsNow, this.#startsSince);
    return now ? [...this.#starts, now] : this.#starts;
  }

  /** Thins out older samples to one a minute. */
  #thin(now: number): void {
    const old = this.#machines.findIndex(({ at }) => now - at <= FINE.keptSeconds);
    const [before, one] = [this.#machines[old - 2], this.#machines[old - 1]];
    if (before && one && one.at - before.at < COARSE.everySeconds) this.#machines.splice(old - 1, 1);
    while (now - (this.#machines[0]?.at ?? now) > COARSE.keptSeconds) this.#machines.shift();
  }

  #closeStarts(now: number): void {
    while (now - (this.#starts[0]?.at ?? now) > COARSE.keptSeconds) this.#starts.shift();
    if (now - this.#startsSince < COARSE.everySeconds) return;
    const closed = startsOf(this.#startsNow, this.#startsSince);
    if (closed) this.#starts.push(closed);
    this.#startsNow = [];
  }
}

function startsOf(seconds: readonly number[], at: number): StartsSample | undefined {
  if (seconds.length === 0) return undefined;
  const sorted = seconds.toSorted((a, b) => a - b);
  const share = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return { at, machines: sorted.length, median: share(0.5), p95: share(0.95) };
}
