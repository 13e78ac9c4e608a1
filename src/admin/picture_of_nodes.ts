import { isTerminal } from "../machine/terminal.ts";
import type { Departure } from "../workdir/departures.ts";
import type { PicturedMachine } from "./picture_of_machine.ts";

/** A node. The picture has the nodes that `serve` follows. */
export interface PicturedNode {
  name: string;
  zone: string;
  /** How many machines on it are not terminal. */
  machines: number;
  /**
   * Why it is about to go, in words that continue "The node is", and when it is gone at the latest; absent if it stays.
   */
  leaving: string | undefined;
  goneAt: number | undefined;
}

/** @param options `names`: the nodes that are followed; machines may be on others, too */
export function pictureNodes(
  machines: readonly PicturedMachine[],
  { names, departures, zoneOf }: {
    names: readonly string[];
    departures: ReadonlyMap<string, Departure>;
    zoneOf: (node: string) => string;
  },
): PicturedNode[] {
  const counts = new Map<string, number>(names.map((name) => [name, 0]));
  for (const { node, state } of machines) {
    if (node !== "" && !isTerminal(state)) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts.keys()].sort().map((name) => {
    const { reason: leaving, goneAt } = departures.get(name) ?? {};
    return { name, zone: zoneOf(name), machines: counts.get(name) ?? 0, leaving, goneAt };
  });
}
