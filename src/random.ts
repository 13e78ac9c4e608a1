/** A source of random numbers, owned by the wiring so that a seed can decide everything. */
export interface Random {
  /** A number from 0 up to, not including, 1. */
  next(): number;
}

/** Randomness of the machine we run on. */
export const systemRandom: Random = { next: () => Math.random() };

/** A repeatable sequence for one seed (mulberry32: 32 bits of state, enough for jitter and simulations, not for secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** A whole number from `low` to `high`, both included. */
export function integerBetween(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}
