import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";

/** How long, in milliseconds, the making of a page may keep all others of its process waiting. */
const TURN_MS = 5;

/** Characters that are sent, and compressed, in one go: a page as a whole keeps its process busy for 50 ms and more. */
const CHUNK = 32_768;

/** A page while it is made, in turns between which everything else of the process goes on. */
export class Page {
  readonly #budget: Budget;
  readonly #encoder = new TextEncoder();
  readonly #chunks: Uint8Array[] = [];
  #text = "";

  constructor(clock: Clock) {
    this.#budget = new Budget(clock, { turnMs: TURN_MS, restPerTurn: 0 });
  }

  async add(pieces: Iterable<string>): Promise<void> {
    for (const piece of pieces) {
      this.#text += piece;
      if (this.#text.length >= CHUNK) this.#cut();
      if (this.#budget.isSpent) await this.#budget.breathe();
    }
  }

  /** All of it, to be sent in these pieces. */
  end(): Uint8Array[] {
    this.#cut();
    return this.#chunks;
  }

  #cut(): void {
    this.#chunks.push(this.#encoder.encode(this.#text));
    this.#text = "";
  }
}
