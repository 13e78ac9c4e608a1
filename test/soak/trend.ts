import { median } from "../bench/process.ts";

/** One value at one time. */
export interface Sample {
  /** Milliseconds since the run began. */
  ms: number;
  value: number;
}

/** What became of a quantity over a run. Start, middle and end are the medians of a third of the samples each. */
export interface Trend {
  start: number;
  middle: number;
  end: number;
  /** Of the line with the least squares. */
  perHour: number;
}

/** @returns nothing if there are too few samples for three thirds */
export function trendOf(samples: Sample[]): Trend | undefined {
  if (samples.length < 3) return undefined;
  const third = samples.length / 3;
  const part = (n: number) =>
    median(samples.slice(Math.round(n * third), Math.round((n + 1) * third)).map(({ value }) => value));
  return { start: part(0), middle: part(1), end: part(2), perHour: slope(samples) * 3_600_000 };
}

/** Per millisecond. */
function slope(samples: Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const meanMs = mean(({ ms }) => ms);
  const meanValue = mean(({ value }) => value);
  const spread = mean(({ ms }) => (ms - meanMs) ** 2);
  return spread === 0 ? 0 : mean(({ ms, value }) => (ms - meanMs) * (value - meanValue)) / spread;
}
