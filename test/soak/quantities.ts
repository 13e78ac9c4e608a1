import type { StatsSample } from "./measures.ts";
import { type Sample, type Trend, trendOf } from "./trend.ts";

/**
 * By how much the median of the last third may be above that of the first and still count as flat. Two hours find what
 * leaks 80 bytes with each machine that is turned over, ten minutes a kilobyte.
 */
const MAY_GROW: Record<string, (start: number) => number> = {
  // It depends on where in its cycle the collector is, and gives back pages late.
  rssMiB: () => 8,
  // The least of each minute: what is left after a collection.
  heapMiB: () => 1,
  // Connections to the API server are kept for a while after the calls, of which up to 32 are under way at once.
  descriptors: () => 32,
  // The runtime starts a thread for a file call that blocks, and ends it when it has idled.
  threads: () => 3,
  // Those that are being made right now, and those of verbs that were killed, swept after ten minutes.
  "files left hidden": () => 5,
  // The work that the same machines take. It depends on what else runs on the same cores, and what they remember.
  "CPU, % of a core": (start) => 0.5 + 0.3 * start,
  // Above that of a process that does nothing, on the same machine at the same time: what others run stretches both.
  "delay p99 above idle ms": (start) => 10 + start,
};

/** Everything that is measured in a run, each by its name. */
export class Quantities {
  readonly #warmUpMs: number;
  readonly #samples = new Map<string, Sample[]>();

  /** @param options `warmUpMs`: what is noted before that counts for nothing */
  constructor({ warmUpMs }: { warmUpMs: number }) {
    this.#warmUpMs = warmUpMs;
  }

  /** @param ms since the run began */
  note(ms: number, values: Record<string, number>): void {
    for (const [name, value] of Object.entries(values)) {
      const samples = this.#samples.get(name) ?? [];
      this.#samples.set(name, samples);
      samples.push({ ms, value });
    }
  }

  /** Notes what processes said by themselves, `serve` and one that does nothing. */
  noteStats(lines: StatsSample[], { idle, startedMs }: { idle: StatsSample[]; startedMs: number }): void {
    for (const { atMs, heapMiB, delayP99Ms, delayMaxMs } of lines) {
      const distance = (line: StatsSample) => Math.abs(line.atMs - atMs);
      const beside = idle.toSorted((a, b) => distance(a) - distance(b))[0];
      if (!beside) continue;
      this.note(atMs - startedMs, {
        heapMiB,
        "delay p99 ms": delayP99Ms,
        "delay max ms": delayMaxMs,
        "idle: delay p99 ms": beside.delayP99Ms,
        "idle: delay max ms": beside.delayMaxMs,
        "delay p99 above idle ms": delayP99Ms - beside.delayP99Ms,
      });
    }
  }

  /** The last of each, in one line. */
  latest(): string {
    return this.#seen().map(([name, samples]) => `${name} ${rounded(samples.at(-1)?.value ?? NaN)}`).join(", ");
  }

  /** The names of those that have grown. */
  growing(): string[] {
    return [...this.#trends()].filter(([name, trend]) => isGrowing(name, trend)).map(([name]) => name);
  }

  /** What became of each, in lines. */
  table(): string[] {
    const row = (name: string, ...columns: string[]) =>
      name.padEnd(26) + columns.map((one) => one.padStart(11)).join("");
    const head = row("after the warm-up", "start", "middle", "end", "per hour", "may grow");
    return [
      head,
      ...[...this.#trends()].map(([name, trend]) => {
        const { start, middle, end, perHour } = trend;
        const most = mayGrow(name, start);
        return row(name, ...[start, middle, end, perHour].map(rounded), most === undefined ? "" : rounded(most)) +
          (isGrowing(name, trend) ? "  NOT FLAT" : "");
      }),
    ];
  }

  /** Without directories that nothing was ever put into. */
  #seen(): [string, Sample[]][] {
    return [...this.#samples].filter(([, samples]) => samples.some(({ value }) => value !== 0));
  }

  *#trends(): Generator<[string, Trend]> {
    for (const [name, samples] of this.#seen()) {
      const trend = trendOf(samples.filter(({ ms }) => ms > this.#warmUpMs));
      if (trend) yield [name, trend];
    }
  }
}

/** Files come and go by the request: 24 with each, at a moment that depends on when they are looked over. */
function mayGrow(name: string, start: number): number | undefined {
  return MAY_GROW[name]?.(start) ?? (name.startsWith("files in ") ? 50 + 0.15 * start : undefined);
}

function isGrowing(name: string, { start, end }: Trend): boolean {
  return end - start > (mayGrow(name, start) ?? Infinity);
}

function rounded(value: number): string {
  return value.toFixed(Number.isInteger(value) ? 0 : 1);
}
