import { isMisplaced } from "../../files.ts";
import { GatheringLog } from "../../log.ts";
import { Retries } from "../work/retries.ts";
import type { Observation } from "../../machine/state.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Backlog } from "../loop.ts";

/** Machines written down in one go before others get their turn: some 30 ms of work. */
const SLICE = 100;

/**
 * How long, in milliseconds, what changes no answer may wait to be written down: a pod passes through half a dozen states
 * on its way up, and most of the work that files make is saved if only the last of them is written.
 */
const CALM_MS = 2_000;

const quarantined = new GatheringLog("pods", "Machines quarantined: they cannot be written down", {
  of: "machines",
  level: "error",
});

/** The latest that was seen of each machine, as long as it is not written down. */
export class UnwrittenObservations {
  readonly #clock: Dependencies["clock"];
  /** To be written down now. */
  readonly #due = new Map<string, Observation>();
  /** What can wait; and until when, on the monotonic clock. */
  readonly #calm = new Map<string, { observation: Observation; dueMs: number }>();
  /** What could not be written down because of what is in its own place, and when each is tried again. */
  readonly #obstructed = new Map<string, Observation>();
  readonly #obstacles: Retries;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock" | "random">) {
    this.#clock = dependencies.clock;
    this.#obstacles = new Retries(dependencies, quarantined, {
      by: "pods",
      pathOf: (machine) => dependencies.workdir.layout.pod(machine),
    });
  }

  /** How many are to be written down, now or soon. */
  get size(): number {
    return this.#due.size + this.#calm.size;
  }

  get backlog(): Backlog {
    const failed = this.#obstructed.size;
    return { all: this.size + failed, failed };
  }

  /** True if nothing is to be written down now. */
  get isCalm(): boolean {
    return this.#due.size === 0;
  }

  /** The machines that are to be written down, now or soon. */
  get machines(): string[] {
    return [...this.#due.keys(), ...this.#calm.keys()];
  }

  /** True if something is to be written down of the machine, now or soon. */
  has(machine: string): boolean {
    return this.#due.has(machine) || this.#calm.has(machine);
  }

  get(machine: string): Observation | undefined {
    return this.#due.get(machine) ?? this.#calm.get(machine)?.observation ?? this.#obstructed.get(machine);
  }

  /** @param options `canWait`: it changes no answer */
  set(machine: string, observation: Observation, { canWait }: { canWait: boolean }): void {
    this.#obstructed.delete(machine);
    if (canWait && !this.#due.has(machine)) {
      const dueMs = this.#calm.get(machine)?.dueMs ?? this.#clock.monotonic() + CALM_MS;
      this.#calm.set(machine, { observation, dueMs });
    } else {
      this.#calm.delete(machine);
      this.#due.set(machine, observation);
    }
  }

  /** The next ones that are to be written down now. */
  nextSlice(): [machine: string, observation: Observation][] {
    this.#endCalm();
    this.#retryObstructed();
    const slice: [string, Observation][] = [];
    for (const entry of this.#due) {
      if (slice.push(entry) === SLICE) break;
    }
    return slice;
  }

  /** Takes in that it was written down. Something else may have been seen since. */
  written(machine: string, observation: Observation): void {
    if (this.#due.get(machine) === observation) this.#due.delete(machine);
    this.#obstacles.clear(machine);
  }

  /**
   * Takes in that it cannot be written down.
   * @returns true if that has to do with this machine alone, which waits for a while
   */
  failed(machine: string, observation: Observation, error: unknown): boolean {
    const isLatest = this.#due.get(machine) === observation && this.#due.delete(machine);
    if (isMisplaced(error)) {
      this.#obstacles.note(machine, error);
      if (isLatest) this.#obstructed.set(machine, observation);
      return true;
    }
    if (isLatest) this.#due.set(machine, observation); // Others get their turn first.
    return false;
  }

  #endCalm(): void {
    const now = this.#clock.monotonic();
    for (const [machine, { observation, dueMs }] of this.#calm) {
      if (dueMs > now) break; // They are in the order of their times.
      this.#calm.delete(machine);
      this.#due.set(machine, observation);
    }
  }

  #retryObstructed(): void {
    for (const [machine, observation] of this.#obstructed) {
      if (this.#obstacles.waits(machine)) continue;
      this.#obstructed.delete(machine);
      this.#due.set(machine, observation);
    }
  }
}
