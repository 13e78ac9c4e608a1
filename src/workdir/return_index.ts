import type { Workdir } from "./workdir.ts";

/** How fresh a directory's modification time may be before a change could hide behind it (file systems tick in up to 2 s). */
const TICK_MS = 2_000;

/**
 * Which machines Symphony has given back, kept up with the work directory as it grows. A return request never changes
 * once it is there, so each is read once.
 */
export class ReturnIndex {
  readonly #workdir: Workdir;
  readonly #returnOf = new Map<string, string>();
  readonly #known = new Set<string>();
  #modifiedMs = -1;

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
  }

  /** True where the machine is in a return request, as of the last `refresh`. */
  has(machine: string): boolean {
    return this.#returnOf.has(machine);
  }

  /** Reads the return requests that are new. @param nowMs the wall clock, to tell a settled directory from a fresh one */
  refresh(nowMs: number): void {
    const root = this.#workdir.layout.returnRequests;
    if (this.#workdir.kind(root) === undefined) return;
    const { modifiedMs } = this.#workdir.files.info(root);
    if (modifiedMs === this.#modifiedMs) return;
    for (const id of this.#workdir.names(root)) {
      if (this.#known.has(id)) continue;
      for (const machine of this.#workdir.names(this.#workdir.layout.returnRequest(id))) {
        this.#returnOf.set(machine, id);
      }
      this.#known.add(id);
    }
    this.#modifiedMs = Math.abs(nowMs - modifiedMs) > TICK_MS ? modifiedMs : -1;
  }
}
