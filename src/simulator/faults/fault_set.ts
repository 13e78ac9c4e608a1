import type { Random } from "../../random.ts";
import type { Fault, FaultName, FaultOf } from "./faults.ts";

/** What a fault may strike, with the properties by which it is selected. */
export interface Target {
  verb: string;
  resource: string;
  path: string;
}

/** What faults of each name apply to if they do not say so themselves; absent: everything. */
interface Defaults {
  verbs?: string[];
  /** Ignored for a fault that names paths. */
  resources?: string[];
}

/** The part of a fault that selects its targets. */
interface Aim {
  share?: number | undefined;
  count?: number | undefined;
  verbs?: string[] | undefined;
  resources?: string[] | undefined;
  paths?: string[] | undefined;
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

  /** Turns a fault off. @returns whether it was on */
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
   * @param options `holds`: a further condition, checked before anything is drawn or counted
   */
  strike<N extends FaultName>(
    name: N,
    target: Target,
    { holds, ...defaults }: Defaults & { holds?: (fault: FaultOf<N>) => boolean } = {},
  ): FaultOf<N> | undefined {
    for (const active of this.applying(name, target, defaults)) {
      const fault = active.fault as FaultOf<N>;
      if (holds && !holds(fault)) continue;
      if (this.draw(active)) return fault;
    }
    return undefined;
  }

  /** The active faults of this name that apply to a target. Draws and counts nothing. */
  applying(name: FaultName, target: Target, defaults: Defaults = {}): ActiveFault[] {
    return [...this.#active.values()].filter(({ fault }) => fault.name === name && applies(fault, target, defaults));
  }

  /** Draws whether a fault strikes a target that it applies to. Counts the strike; the last one turns the fault off. */
  draw(active: ActiveFault): boolean {
    const { share = 1, count = Infinity }: Aim = active.fault;
    if (active.struck >= count || (share < 1 && this.#random.next() >= share)) return false;
    active.struck++;
    if (active.struck >= count && this.#active.get(active.id) === active) this.#active.delete(active.id);
    return true;
  }
}

function applies(fault: Aim, target: Target, defaults: Defaults): boolean {
  const verbs = fault.verbs ?? defaults.verbs;
  const resources = fault.resources ?? (fault.paths ? undefined : defaults.resources);
  return (verbs?.includes(target.verb) ?? true) && (resources?.includes(target.resource) ?? true) &&
    (fault.paths?.some((part) => target.path.includes(part)) ?? true);
}
