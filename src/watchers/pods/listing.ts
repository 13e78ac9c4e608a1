import { parseMachineName } from "../../hf/names.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";

/** So many machines may be missing from a list at once, and this share of all, before another list has to say the same. */
const FEW = 10;
const SHARE = 1 / 5;

/** Machines that a LIST has not named. */
export interface Unnamed {
  /** They have, or had, pods that are not known to be gone. */
  missing: string[];
  /** They count as created, and no pod of theirs was ever seen. */
  unseen: string[];
  /** They have come to their ends, which have to be told to Symphony. */
  over: string[];
}

/** The machines that the LIST under way, or the one that was finished last, has named. */
export class Listing {
  readonly #workdir: Workdir;
  #named = new Set<string>();

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
  }

  begin(): void {
    this.#named = new Set();
  }

  name(machine: string): void {
    this.#named.add(machine);
  }

  get size(): number {
    return this.#named.size;
  }

  get machines(): Iterable<string> {
    return this.#named;
  }

  /** @param alsoKnown machines of which the work directory need not know yet */
  unnamed(alsoKnown: Iterable<string>): Unnamed {
    const { layout } = this.#workdir;
    const had = new Set(alsoKnown);
    for (const machine of this.#machinesIn(layout.pods)) had.add(machine);
    const [unseen, over]: [string[], string[]] = [[], []];
    for (const machine of this.#machinesIn(layout.podsStatus)) {
      if (this.#named.has(machine) || had.has(machine)) continue;
      const state = readState(this.#workdir, machine);
      if (state === "creating" || state === undefined) unseen.push(machine);
      else if (state !== "deleted" && (state !== "failed" || this.#hadPod(machine))) had.add(machine);
      else over.push(machine);
    }
    return { missing: [...had].filter((machine) => !this.#named.has(machine)), unseen, over };
  }

  /** True if so many machines are missing at once that the list is more likely wrong than they are gone. */
  isSuspicious(missing: number): boolean {
    return missing > FEW && missing > SHARE * (missing + this.size);
  }

  #machinesIn(directory: string): string[] {
    return this.#workdir.names(directory).filter((name) => parseMachineName(name));
  }

  /** True if a failed machine failed with its pod, and not for want of one. */
  #hadPod(machine: string): boolean {
    try {
      return readTombstone(this.#workdir, machine)?.uid !== undefined;
    } catch {
      return false; // What cannot be read now is read with the next list.
    }
  }
}
