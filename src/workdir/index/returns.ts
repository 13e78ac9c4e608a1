import type { Budget } from "../../budget.ts";
import { Arrivals } from "../store/arrivals.ts";
import type { Workdir } from "../store/workdir.ts";

/**
 * Which machines Symphony has given back, kept up with the work directory as return requests come and, long past, go. One
 * never changes while it is there, so each is read once.
 */
export class ReturnIndex {
  readonly #workdir: Workdir;
  readonly #arrivals: Arrivals;
  /** By return request, its machines. Most have one, and there may be very many: that takes no list. */
  readonly #machinesOf = new Map<string, string | string[]>();
  /** By machine, how many return requests name it. */
  readonly #times = new Map<string, number>();
  #revision = 0;

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
    this.#arrivals = new Arrivals(workdir, workdir.layout.returnRequests, { gone: (id) => this.#drop(id) });
  }

  /** True if the machine is in a return request, as of the last `refresh`. */
  has(machine: string): boolean {
    return this.#times.has(machine);
  }

  /** Of these machines, those that are in a return request, each with the id of one. */
  requestsOf(machines: ReadonlySet<string>): Map<string, string> {
    const found = new Map<string, string>();
    for (const [id, named] of this.#machinesOf) {
      for (const machine of listOf(named)) if (machines.has(machine)) found.set(machine, id);
    }
    return found;
  }

  /** Another number after each `refresh` that found new return requests. */
  get revision(): number {
    return this.#revision;
  }

  /** Reads the return requests that are new. @returns true if there were any */
  refresh(nowMs: number): boolean {
    const fresh = this.#arrivals.next(nowMs);
    for (const id of fresh) this.#read(id);
    return this.#took(fresh);
  }

  /** The same in turns of the budget, of which the first may need many. */
  async refreshInTurns(nowMs: number, budget: Budget): Promise<void> {
    const fresh = this.#arrivals.next(nowMs);
    for (const id of fresh) {
      if (budget.isSpent) await budget.breathe();
      this.#read(id);
    }
    this.#took(fresh);
  }

  #took(fresh: readonly string[]): boolean {
    if (fresh.length > 0) this.#revision++;
    return fresh.length > 0;
  }

  #read(id: string): void {
    const path = this.#workdir.layout.returnRequest(id);
    try {
      const machines = this.#workdir.distrust(path) === undefined ? this.#workdir.names(path) : [];
      if (machines.length > 0) this.#add(id, machines);
      else this.#arrivals.reconsider(id);
    } catch {
      this.#arrivals.forget(id); // What cannot be read now is read later, and hides no other.
    }
  }

  #add(id: string, machines: string[]): void {
    const [only = ""] = machines;
    this.#machinesOf.set(id, machines.length === 1 ? only : machines.slice()); // A copy takes as little memory as can be.
    for (const machine of machines) this.#times.set(machine, (this.#times.get(machine) ?? 0) + 1);
  }

  #drop(id: string): void {
    for (const machine of listOf(this.#machinesOf.get(id) ?? [])) {
      const left = (this.#times.get(machine) ?? 0) - 1;
      if (left > 0) this.#times.set(machine, left);
      else this.#times.delete(machine);
    }
    this.#machinesOf.delete(id);
  }
}

function listOf(machines: string | string[]): string[] {
  return typeof machines === "string" ? [machines] : machines;
}
