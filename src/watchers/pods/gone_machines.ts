import { Budget } from "../../budget.ts";
import { hadPod } from "../../machine/tombstone.ts";
import { readTombstone } from "../../workdir/machines.ts";
import { dropGone, readGone, writeGone } from "../../workdir/index/gone_machines.ts";
import type { Dependencies } from "../dependencies.ts";

/**
 * Finds out, once, which machines had gone before this process without having been returned; those that go while it runs
 * are noted as they go.
 */
export class GoneMachines {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock" | "returns">;
  /** Machines that are over, and absent again once they have been looked at. */
  #over: Set<string> | undefined;
  #isKnown = false;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock" | "returns">) {
    this.#dependencies = dependencies;
  }

  /** Takes in which machines have no pod and have come to their end. */
  begin(over: string[]): void {
    if (!this.#isKnown) this.#over = new Set(over);
  }

  /** Takes in that a machine has gone: what notes that as it happens does so only if the index is kept already. */
  gone(machine: string): void {
    this.#over?.add(machine);
  }

  /** Writes down which of them had pods and have not been returned. If it throws, the next call does it. */
  async write(): Promise<void> {
    const { workdir, clock, returns } = this.#dependencies;
    if (!this.#over) return;
    returns.refresh(clock.now());
    const budget = new Budget(clock);
    const known = new Set(readGone(workdir));
    const gone: string[] = [];
    for (const machine of this.#over) {
      if (budget.isSpent) await budget.breathe();
      if (!returns.has(machine) && (known.has(machine) || this.#hadPod(machine))) gone.push(machine);
    }
    await writeGone(workdir, gone, { budget });
    // What was given back meanwhile was not among them when that was noted.
    await dropGone(workdir, gone.filter((machine) => returns.has(machine)), { budget });
    this.#over = undefined;
    this.#isKnown = true;
  }

  /** One without a note is the legacy plug-in's, and had one. */
  #hadPod(machine: string): boolean {
    try {
      const record = readTombstone(this.#dependencies.workdir, machine);
      return !record || hadPod(record);
    } catch {
      return true; // Who asks finds out.
    }
  }
}
