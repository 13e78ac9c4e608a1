/**
 * If more machines than this changed between two pictures, the pods of running machines are read later, once fewer
 * change.
 */
const MANY = 150;

/** The machines that were reported as written since the last picture. */
export class ReportedMachines {
  #reported = new Set<string>();
  /** Machines whose pods were skipped, and are to be read later. */
  readonly #owed = new Set<string>();

  add(machines: Iterable<string>): void {
    for (const machine of machines) this.#reported.add(machine);
  }

  /**
   * The machines to look at now. While very many change (`isStorm`), they are looked at briefly, without reading their
   * pods, and the caller calls `owe` for each; otherwise these are joined by some machines that are still owed a full
   * look.
   */
  next(): { machines: ReadonlySet<string>; isStorm: boolean } {
    const reported = this.#reported;
    this.#reported = new Set();
    if (reported.size > MANY) return { machines: reported, isStorm: true };
    const first = new Set(this.#owed.values().take(MANY));
    for (const machine of first) this.#owed.delete(machine);
    return { machines: reported.union(first), isStorm: false };
  }

  /** Notes that this machine was looked at only briefly. */
  owe(machine: string): void {
    this.#owed.add(machine);
  }
}
