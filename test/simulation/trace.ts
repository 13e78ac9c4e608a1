import { createHash } from "node:crypto";
import type { SimulatedClock } from "../support/simulated_clock.ts";

/** What happened in a run, line by line, and one number for all of it: two runs that differ anywhere differ in that. */
export class Trace {
  readonly lines: string[] = [];
  readonly #clock: SimulatedClock;
  readonly #startMs: number;
  #hash = 0x811c9dc5;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
    this.#startMs = clock.monotonic();
  }

  /** Seconds since the start of the run. */
  get seconds(): number {
    return (this.#clock.monotonic() - this.#startMs) / 1000;
  }

  /** Notes what somebody did or what came of it. */
  say(who: string, what: string): void {
    this.lines.push(`${this.seconds.toFixed(3).padStart(9)} ${who.padEnd(10)} ${what}`);
    this.mix(who);
  }

  /** Counts something towards the hash that is too small for a line, such as one operation on a file. */
  mix(...texts: string[]): void {
    let hash = this.#hash;
    for (const text of texts) hash = Math.imul(hash ^ hashOf(text), 0x01000193);
    this.#hash = (hash ^ (hash >>> 15)) >>> 0;
  }

  get hash(): string {
    const hash = createHash("sha256").update(this.lines.join("\n")).update(`\n${this.#hash}`);
    return hash.digest("hex").slice(0, 8);
  }
}

/** Of texts that were hashed before: the same few paths are mixed in over and over. */
const hashes = new Map<string, number>();

function hashOf(text: string): number {
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    if (hashes.size >= 10_000) hashes.clear();
    hashes.set(text, hash);
  }
  return hash;
}
