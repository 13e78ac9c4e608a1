/** A length of time in words: `45 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function lengthOf(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}

/** How long ago a moment was. @param at seconds since the epoch; @param now likewise */
export function ago(at: number | null, now: number): string {
  return at === null ? "" : `${lengthOf(now - at)} ago`;
}

/** How long until a moment that is expected: `in 40 s`, or `overdue by 3 min`. */
export function within(at: number | null, now: number): string {
  if (at === null) return "";
  return at >= now ? `in ${lengthOf(at - now)}` : `overdue by ${lengthOf(now - at)}`;
}

/** The time of day, with the date unless it is today. */
export function clockTime(at: number, now: number): string {
  const [then, today] = [new Date(at * 1_000), new Date(now * 1_000)];
  const time = then.toLocaleTimeString(undefined, { hour12: false });
  return then.toDateString() === today.toDateString() ? time : `${then.toLocaleDateString()} ${time}`;
}

/** `10,000`. */
export function amount(number: number): string {
  return number.toLocaleString("en");
}

/** `1 machine`, `2 machines`. */
export function count(number: number, what: string): string {
  return `${amount(number)} ${what}${number === 1 ? "" : "s"}`;
}
