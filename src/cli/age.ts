/** Seconds of each unit, from the largest on. */
const UNITS = [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]] as const;

/**
 * A span of time for people, in its two largest units: `3d4h`, `2h`, `4m10s`, `0s`.
 * @param seconds less than 0 counts as 0
 */
export function ageText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0s";
  let left = whole;
  let text = "";
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** How long ago something was: `4m10s`; `-` if that is not known. Both in seconds since the epoch. */
export function agoText(now: number, at: number | undefined): string {
  return at === undefined ? "-" : ageText(now - at);
}
