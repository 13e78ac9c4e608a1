import type { Clock } from "./clock.ts";

/** How long, in milliseconds, one piece of work may keep all others of its process waiting. */
const TURN_MS = 15;

/** How long it rests after each turn, as a share of that turn: a call to the cluster takes several rounds of the event loop. */
const REST_PER_TURN = 1 / 3;

/**
 * Cuts a long stretch of work into turns, so that everything else in the process gets its own in between. Before each
 * small piece of the work: `if (budget.isSpent) await budget.breathe();`
 */
export class Budget {
  readonly #clock: Clock;
  readonly #turnMs: number;
  readonly #restPerTurn: number;
  #sinceMs: number;

  /**
   * @param options `turnMs`: how long a turn may last, in milliseconds (15); `restPerTurn`: 0 only gives way to what is due
   * already, for a process that does nothing else
   */
  constructor(
    clock: Clock,
    { turnMs = TURN_MS, restPerTurn = REST_PER_TURN }: { turnMs?: number; restPerTurn?: number } = {},
  ) {
    this.#clock = clock;
    this.#turnMs = turnMs;
    this.#restPerTurn = restPerTurn;
    this.#sinceMs = clock.monotonic();
  }

  /** True once this turn has lasted long enough. */
  get isSpent(): boolean {
    return this.#clock.monotonic() - this.#sinceMs >= this.#turnMs;
  }

  /** Ends this turn, and resolves when the next one begins. */
  async breathe(): Promise<void> {
    await this.#clock.sleep(this.#restPerTurn * (this.#clock.monotonic() - this.#sinceMs));
    this.begin();
  }

  /** Begins a turn: to be called after waiting for anything else, which is no work. */
  begin(): void {
    this.#sinceMs = this.#clock.monotonic();
  }
}
