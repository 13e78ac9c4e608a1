import type { MachineState } from "../hf/status.ts";

/** How it is sampled: so often at first, then so often, and for so long, in seconds. */
const FINE = { everySeconds: 10, keptSeconds: 600 };
const COARSE = { everySeconds: 60, keptSeconds: 6 * 3_600 };

/** Times to running that are told apart within one sample. */
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

/** How it was over the last hours, for graphs: as long as this process runs, and before that as `prepend` is told. */
export class History {
  /** How far back it reaches at most, in seconds. */
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

  /** Puts what was before all others, the oldest first; `seconds` as `started` is told them. */
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

  /** The oldest first; what is told is not changed any more. */
  get machines(): readonly MachinesSample[] {
    return this.#machines;
  }

  /** Those of the minute that is not over are the last. */
  get starts(): readonly StartsSample[] {
    const now = startsOf(this.#startsNow, this.#startsSince);
    return now ? [...this.#starts, now] : this.#starts;
  }

  /** Of the samples that are not fresh, one a minute is kept. */
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
