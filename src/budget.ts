import type { Clock } from "./clock.ts";

/** How long, in milliseconds, one piece of work may keep all others of its process waiting. */
const TURN_MS = 15;

/** The rest after each turn, as a share of the turn: a call to the cluster needs several rounds of the event loop. */
const REST_PER_TURN = 1 / 3;

/**
 * Cuts long work into turns, so that everything else in the process can run in between. Use it before each small piece
 * of the work: `if (budget.isSpent) await budget.breathe();`
 */
export class Budget {
  readonly #clock: Clock;
  readonly #turnMs: number;
  readonly #restPerTurn: number;
  #sinceMs: number;

  /**
   * @param options `turnMs`: how long a turn may last, in milliseconds (15); `restPerTurn`: the rest after a turn, as a
   * share of it (1/3); 0: only what is due already runs in between, for a process that has nothing else to do
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

  /** Begins a turn. Call it after waiting for anything else, so that the wait does not count as work. */
  begin(): void {
    this.#sinceMs = this.#clock.monotonic();
  }
}
