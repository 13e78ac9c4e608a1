/** A number as the legacy plug-in's events have it: at most two decimals, and at least one (source: fixtures). */
export function decimal(number: number): string {
  const rounded = Math.round(number * 100) / 100;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}
