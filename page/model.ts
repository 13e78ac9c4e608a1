import type { PageMessage, Sections } from "../src/page/messages.ts";
import { type Grouping, GROUPINGS, type Machine, machineOf, rowOf, type State, STATES } from "./machine.ts";

/** Which machines to show, and how they are grouped. */
export interface Choice {
  grouping: Grouping;
  /** Words; a machine is found if its fields contain all of them. */
  search: string;
  /** Empty: all states. */
  states: readonly State[];
}

/** Machines with the same label. */
export interface Group {
  label: string;
  /** Text beside the label; empty if there is none. */
  remark: string;
  machines: Machine[];
}

/** What the page knows: the last picture, and what has changed since. */
export class Model {
  readonly machines = new Map<string, Machine>();
  sections: Sections | undefined;
  /** When the picture that is shown was taken, in milliseconds since the epoch by serve's clock. */
  at = 0;
  /** How far serve's clock is ahead of the browser's, in milliseconds. */
  #aheadMs = 0;

  take(message: PageMessage): void {
    this.at = message.at;
    this.#aheadMs = message.now - Date.now();
    if (message.kind === "beat") return;
    if (message.kind === "change" && !this.sections) return; // This tab began to listen before its first picture, which follows.
    const { kind, at: _at, now: _now, machines = [], ...rest } = message;
    if (kind === "picture") this.machines.clear();
    for (const row of machines) {
      const machine = machineOf(row);
      this.machines.set(machine.name, machine);
    }
    if ("gone" in rest) { for (const name of rest.gone ?? []) this.machines.delete(name); }
    this.sections = { ...this.sections, ...rest } as Sections;
  }

  /** All that is known, as one message; `undefined` before the first picture. */
  whole(): PageMessage | undefined {
    if (!this.sections) return undefined;
    const now = Date.now() + this.#aheadMs;
    const machines = Array.from(this.machines.values(), rowOf);
    return { kind: "picture", at: this.at, now, ...this.sections, machines };
  }

  /** Seconds since the epoch by serve's clock. */
  get now(): number {
    return (Date.now() + this.#aheadMs) / 1_000;
  }

  /** How many of the machines that match the search are in each state. */
  counts(search = ""): Record<State, number> {
    const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<State, number>;
    const isFound = finder(search);
    for (const machine of this.machines.values()) if (isFound(machine)) counts[machine.state]++;
    return counts;
  }

  /** The machines that match the choice, in groups. */
  groups({ grouping, search, states }: Choice): Group[] {
    const label = GROUPINGS[grouping];
    const isFound = finder(search);
    const groups = new Map<string, Machine[]>();
    for (const machine of this.machines.values()) {
      if (states.length > 0 && !states.includes(machine.state)) continue;
      if (!isFound(machine)) continue;
      const key = label(machine);
      const group = groups.get(key);
      if (group) group.push(machine);
      else groups.set(key, [machine]);
    }
    return [...groups].map(([label, machines]) => ({
      label,
      remark: grouping === "request" ? `${machines[0]?.templateId}, ` : "",
      machines,
    })).sort(this.#order(grouping));
  }

  #order(grouping: Grouping): (a: Group, b: Group) => number {
    if (grouping === "state") return (a, b) => STATES.indexOf(a.label as State) - STATES.indexOf(b.label as State);
    if (grouping !== "request") return byLabel;
    const place = new Map(this.sections?.requests.map(({ id }, i) => [id, i]));
    return (a, b) => (place.get(a.label) ?? 0) - (place.get(b.label) ?? 0);
  }
}

const collator = new Intl.Collator("en", { numeric: true });
const byLabel = (a: Group, b: Group) => collator.compare(a.label, b.label);

function finder(search: string): (machine: Machine) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return () => true;
  return ({ name, requestId, templateId, node, zone, reason, address, returnId, failure }) => {
    const text = `${name} ${requestId} ${templateId} ${node} ${zone} ${reason} ${address} ${returnId} ${failure}`
      .toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
