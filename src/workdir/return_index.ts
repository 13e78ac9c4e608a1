import { Arrivals } from "./arrivals.ts";
import type { Workdir } from "./workdir.ts";

/**
 * Which machines Symphony has given back, kept up with the work directory as it grows. A return request never changes
 * once it is there, so each is read once.
 */
export class ReturnIndex {
  readonly #workdir: Workdir;
  readonly #arrivals: Arrivals;
  readonly #machines = new Set<string>();

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
    this.#arrivals = new Arrivals(workdir, workdir.layout.returnRequests);
  }

  /** True where the machine is in a return request, as of the last `refresh`. */
  has(machine: string): boolean {
    return this.#machines.has(machine);
  }

  /** How many machines have been given back, as of the last `refresh`: it only grows. */
  get size(): number {
    return this.#machines.size;
  }

  /** Reads the return requests that are new. @returns true where there were any */
  refresh(nowMs: number): boolean {
    const fresh = this.#arrivals.next(nowMs);
    for (const id of fresh) {
      try {
        for (const machine of this.#workdir.names(this.#workdir.layout.returnRequest(id))) this.#machines.add(machine);
      } catch {
        this.#arrivals.forget(id); // What cannot be read now is read later, and hides no other.
      }
    }
    return fresh.length > 0;
  }
}
