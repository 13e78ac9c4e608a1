/** Machines that are told of between two pictures, beyond which pods that run are not read before there are fewer. */
const MANY = 150;

/** Of which machines one who takes pictures was told since the last one. */
export class ToldMachines {
  #told = new Set<string>();
  /** Those that were looked at in haste. */
  readonly #owed = new Set<string>();

  add(machines: Iterable<string>): void {
    for (const machine of machines) this.#told.add(machine);
  }

  /**
   * Those that are to be looked at now: in a storm in haste, and then `owe` is called for each; else with some of those that
   * are owed a second look.
   */
  next(): { machines: ReadonlySet<string>; isStorm: boolean } {
    const told = this.#told;
    this.#told = new Set();
    if (told.size > MANY) return { machines: told, isStorm: true };
    const first = new Set(this.#owed.values().take(MANY));
    for (const machine of first) this.#owed.delete(machine);
    return { machines: told.union(first), isStorm: false };
  }

  /** This one was looked at in haste. */
  owe(machine: string): void {
    this.#owed.add(machine);
  }
}
