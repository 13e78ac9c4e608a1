import * as v from "valibot";
import { isTerminal } from "../machine/terminal.ts";
import type { Departure } from "../workdir/departures.ts";
import { readRecord } from "../workdir/store/record.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
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

const ZONE_LABEL = "topology.kubernetes.io/zone";

const NodeSchema = v.object({
  metadata: v.object({ labels: v.optional(v.nullable(v.record(v.string(), v.string()))) }),
});

/** The zones of the followed nodes. Each is read once while its node exists, because it never changes. */
export class Zones {
  readonly #workdir: Workdir;
  readonly #zones = new Map<string, string>();
  #followed: ReadonlySet<string> | undefined;

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
  }

  /** Lists the nodes that are followed, and forgets the zones of all others. @returns their names */
  followedNodes(): string[] {
    const names = new Set(this.#workdir.names(this.#workdir.layout.nodes));
    for (const known of this.#zones.keys()) if (!names.has(known)) this.#zones.delete(known);
    this.#followed = names;
    return [...names];
  }

  /** The zone of a node; empty if unknown, or if `followedNodes` did not name the node: then no file is looked for. */
  of(node: string): string {
    if (!this.#followed) this.followedNodes();
    if (!this.#followed?.has(node)) return "";
    const known = this.#zones.get(node);
    if (known !== undefined) return known;
    const read = readRecord(this.#workdir, this.#workdir.layout.node(node), NodeSchema);
    const zone = read?.metadata.labels?.[ZONE_LABEL] ?? "";
    this.#zones.set(node, zone);
    return zone;
  }
}
