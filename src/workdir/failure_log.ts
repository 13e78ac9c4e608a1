import { logger } from "../log.ts";

/** Lines for each batch, at most: the others are counted in one more. */
const MOST_LINES = 5;

const log = logger("machines");

/** Says which machines of one batch were lost to Symphony and why: one warning for each reason, however many machines there are. */
export class FailureLog {
  /** By reason, the machines. */
  readonly #machines = new Map<string, string[]>();

  note(machine: string, reason: string): void {
    const machines = this.#machines.get(reason) ?? [];
    this.#machines.set(reason, machines);
    machines.push(machine);
  }

  /** Logs what was noted since the last call. */
  tell(): void {
    const mostFirst = [...this.#machines].sort(([, a], [, b]) => b.length - a.length);
    this.#machines.clear();
    for (const [reason, [first, ...others]] of mostFirst.slice(0, MOST_LINES)) {
      log.warn("Machines failed", { machine: first, others: others.length || undefined, reason });
    }
    const rest = mostFirst.slice(MOST_LINES).flatMap(([, machines]) => machines);
    if (rest.length > 0) log.warn("Machines failed for other reasons", { machine: rest[0], machines: rest.length });
  }
}
