import type { Random } from "../random.ts";
import type { Fault, FaultName, FaultOf } from "./faults.ts";

/** What a fault may look at to decide whether it strikes. */
export interface Target {
  verb: string;
  path: string;
}

/** A fault that is on, and how often it has struck. */
export interface ActiveFault {
  id: string;
  fault: Fault;
  struck: number;
}

/** The faults that are on. */
export class FaultSet {
  readonly #random: Random;
  readonly #active = new Map<string, ActiveFault>();

  constructor(random: Random) {
    this.#random = random;
  }

  set(fault: Fault): ActiveFault {
    const active = { id: fault.id ?? fault.name, fault, struck: 0 };
    this.#active.set(active.id, active);
    return active;
  }

  /** True where there was one. */
  clear(id: string): boolean {
    return this.#active.delete(id);
  }

  clearAll(): void {
    this.#active.clear();
  }

  list(): ActiveFault[] {
    return [...this.#active.values()];
  }

  has(id: string): boolean {
    return this.#active.has(id);
  }

  /**
   * The fault of this name that strikes now, if one does. This counts as a strike.
   * @param options.verbs those that the fault is about where it does not say so itself; default all
   * @param options.holds a further condition, looked at before anything is drawn or counted
   */
  strike<N extends FaultName>(
    name: N,
    target: Target,
    { verbs, holds }: { verbs?: string[]; holds?: (fault: FaultOf<N>) => boolean } = {},
  ): FaultOf<N> | undefined {
    for (const active of this.#active.values()) {
      if (active.fault.name !== name) continue;
      const fault = active.fault as FaultOf<N>;
      const about: string[] | undefined = fault.verbs ?? verbs;
      if (about && !about.includes(target.verb)) continue;
      if (fault.paths && !fault.paths.some((part) => target.path.includes(part))) continue;
      if (holds && !holds(fault)) continue;
      if (this.draw(active)) return fault;
    }
    return undefined;
  }

  /** Whether a fault strikes one of those that it could hit. Counts the strike; the last one turns the fault off. */
  draw(active: ActiveFault): boolean {
    const { share = 1, count = Infinity } = active.fault;
    if (active.struck >= count || (share < 1 && this.#random.next() >= share)) return false;
    active.struck++;
    if (active.struck >= count && this.#active.get(active.id) === active) this.#active.delete(active.id);
    return true;
  }
}
