import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";

/** How long one turn of making a page may take, in milliseconds. */
const TURN_MS = 5;

/** Characters that are sent and compressed at once. A whole page would keep the process busy for 50 ms and more. */
const CHUNK = 32_768;

/** A page that is being made, in turns, so that the rest of the process goes on in between. */
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

  /** The whole page, in the pieces in which it is to be sent. */
  end(): Uint8Array[] {
    this.#cut();
    return this.#chunks;
  }

  #cut(): void {
    this.#chunks.push(this.#encoder.encode(this.#text));
    this.#text = "";
  }
}
