import { integerBetween, type Random, seededRandom } from "../../src/random.ts";

/** A source of randomness of its own for one purpose: what one draws, no other notices. */
export function randomFor(seed: number, purpose: string): Random {
  let hash = seed >>> 0;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193) >>> 0;
  const random = seededRandom(hash ^ (hash >>> 15));
  random.next(); // The first numbers of neighbouring seeds are alike.
  return random;
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  if (choices.length === 0) throw new Error("there is nothing to choose from");
  return choices[integerBetween(random, 0, choices.length - 1)]!;
}

export function happens(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A number from `low` to `high`, small ones as likely as large ones: each power of ten has the same share. */
export function magnitude(random: Random, low: number, high: number): number {
  return Math.round(Math.exp(Math.log(low) + random.next() * (Math.log(high) - Math.log(low))));
}

/** So many of the choices, at most, each once. */
export function someOf<T>(random: Random, choices: readonly T[], most: number): T[] {
  const left = [...choices];
  const chosen: T[] = [];
  while (chosen.length < most && left.length > 0) {
    chosen.push(...left.splice(integerBetween(random, 0, left.length - 1), 1));
  }
  return chosen;
}
