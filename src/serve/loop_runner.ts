import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { backoffMs } from "../watchers/work/backoff.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";

/** After a step a loop rests for this many times as long as the step took, so that no loop starves the others. */
const REST_PER_STEP = 3;

/** The longest such rest, in milliseconds: a step that takes longer has waited for others, or let them have their turns. */
const LONGEST_REST_MS = 100;

/** Who is told of each step. */
export interface StepObserver {
  began(loop: string): void;
  /** @param step how it ended, and how long it took in milliseconds */
  ended(loop: string, step: { outcome: Outcome["kind"]; ms: number }): void;
}

/**
 * Runs the steps of one loop: when it is woken, when it asked to be, and on a period. A wake during a step makes it run
 * again. What a step throws is logged, and backed off from; it never ends the loop.
 */
export class LoopRunner {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #periodMs: number;
  readonly #ended: () => void;
  readonly #mayStep: (signal: AbortSignal) => Promise<void>;
  readonly #observer: StepObserver | undefined;
  #isDirty = false;
  #interrupt = new AbortController();

  /**
   * @param options `periodMs`: how long the loop may sleep at most; `ended` is called after each step; `mayStep` resolves once
   * the next step may begin, or `signal` has aborted
   */
  constructor(
    options: {
      clock: Clock;
      random: Random;
      periodMs: number;
      ended?: (() => void) | undefined;
      mayStep?: (signal: AbortSignal) => Promise<void>;
      observer?: StepObserver | undefined;
    },
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#periodMs = options.periodMs;
    this.#ended = options.ended ?? (() => {});
    this.#mayStep = options.mayStep ?? (() => Promise.resolve());
    this.#observer = options.observer;
  }

  /** Makes the loop take a step soon. */
  readonly wake = (): void => {
    this.#isDirty = true;
    this.#interrupt.abort(NOT_NEEDED);
  };

  /** Runs until `signal` aborts. */
  async run(loop: Loop, signal: AbortSignal): Promise<void> {
    const log = logger(loop.name);
    let failures = 0;
    while (!signal.aborted) {
      await this.#mayStep(signal);
      if (signal.aborted) return;
      this.#isDirty = false;
      const startedMs = this.#clock.monotonic();
      this.#observer?.began(loop.name);
      const outcome = await attempt(loop, signal);
      const endedMs = this.#clock.monotonic();
      this.#observer?.ended(loop.name, { outcome: outcome.kind, ms: endedMs - startedMs });
      this.#ended();
      if (outcome.kind === "failed" && !signal.aborted) {
        failures++;
        const delayMs = backoffMs(failures, this.#random);
        log.error("Step failed", { error: describeError(outcome.error), failures, retryMs: Math.round(delayMs) });
        await this.#sleep(delayMs, signal);
        continue;
      }
      failures = 0;
      await this.#sleep(Math.min(LONGEST_REST_MS, REST_PER_STEP * (endedMs - startedMs)), signal);
      const untilMs = outcome.kind === "again" ? outcome.atMs : Infinity;
      const waitMs = Math.min(untilMs - this.#clock.monotonic(), this.#periodMs);
      if (waitMs > 0 && !this.#isDirty) await this.#sleepUnlessWoken(waitMs, signal);
    }
  }

  async #sleepUnlessWoken(ms: number, signal: AbortSignal): Promise<void> {
    const interrupt = this.#interrupt = new AbortController();
    const stop = () => interrupt.abort(NOT_NEEDED);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    await this.#sleep(ms, interrupt.signal);
    signal.removeEventListener("abort", stop);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#clock.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function attempt(loop: Loop, signal: AbortSignal): Promise<Outcome> {
  try {
    return await loop.step(signal);
  } catch (error) {
    return { kind: "failed", error };
  }
}
