import { epochSeconds, timestampSeconds } from "../clock.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { readEvictions, writeEvictions } from "../workdir/evictions.ts";
import { Complaints } from "./complaints.ts";
import type { Watching } from "./watching.ts";

/** How long, in seconds, an eviction is remembered: who drains a node evicts its pods within moments. */
const REMEMBERED_SECONDS = 3_600;

const log = logger("pods");

/**
 * Which nodes our machines have been evicted from, written down for whoever follows the nodes: it is what tells a node that
 * is being drained from one that is only cordoned.
 */
export class Evictions {
  readonly #watching: Pick<Watching, "workdir" | "clock" | "kube">;
  /** By node, what is not written down yet. */
  readonly #noted = new Map<string, number>();
  readonly #complaints = new Complaints((_, error) => log.error("Evictions cannot be written down", { error }));

  constructor(watching: Pick<Watching, "workdir" | "clock" | "kube">) {
    this.#watching = watching;
  }

  /** Notes a pod that was evicted through the API; of any other, nothing. */
  note(pod: Pod): void {
    const evicted = pod.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    // The reason that every drain leaves (source: Kubernetes documentation, "Disruptions").
    if (evicted?.status !== "True" || evicted.reason !== "EvictionByEvictionAPI") return;
    const [node, at] = [pod.spec.nodeName, timestampSeconds(evicted.lastTransitionTime)];
    if (node !== undefined && at !== undefined) this.#noted.set(node, Math.max(at, this.#noted.get(node) ?? at));
  }

  /** Writes down what was noted, where it can be: nothing else depends on it. */
  write(): void {
    if (this.#noted.size === 0) return;
    const { workdir, clock, kube } = this.#watching;
    const oldest = epochSeconds(kube.now() ?? clock.now()) - REMEMBERED_SECONDS;
    try {
      const evictions = readEvictions(workdir);
      for (const [node, at] of this.#noted) evictions.set(node, Math.max(at, evictions.get(node) ?? at));
      for (const [node, at] of evictions) if (at < oldest) evictions.delete(node);
      writeEvictions(workdir, evictions);
      this.#noted.clear();
    } catch (error) {
      this.#complaints.note("", error);
    }
  }
}
