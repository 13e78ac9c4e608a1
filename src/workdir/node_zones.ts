import * as v from "valibot";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const ZONE_LABEL = "topology.kubernetes.io/zone";

const NodeSchema = v.object({
  metadata: v.object({ labels: v.optional(v.nullable(v.record(v.string(), v.string()))) }),
});

/** The zones of the followed nodes. Each is read once while its node exists, because it never changes. */
export class NodeZones {
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
