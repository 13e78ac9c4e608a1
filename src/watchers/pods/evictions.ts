import { epochSeconds, timestampSeconds } from "../../clock.ts";
import type { Pod } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { readEvictions, writeEvictions } from "../../workdir/evictions.ts";
import { Complaints } from "../work/complaints.ts";
import type { Dependencies } from "../dependencies.ts";

/** How long, in seconds, an eviction is remembered: who drains a node evicts its pods within moments. */
const REMEMBERED_SECONDS = 3_600;

const log = logger("pods");

/**
 * Which of our machines have been evicted from which nodes, written down for any process that follows the nodes: it is what tells a
 * node that is being drained from one that is only cordoned.
 */
export class Evictions {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock" | "kube">;
  /** By node and machine, when it was evicted, as far as that is not written down yet. */
  readonly #noted = new Map<string, Map<string, number>>();
  readonly #complaints = new Complaints((_, error) => log.error("Evictions cannot be written down", { error }));

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock" | "kube">) {
    this.#dependencies = dependencies;
  }

  /** Notes a pod that was evicted through the API; of any other, nothing. */
  note(pod: Pod): void {
    const evicted = pod.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    // The reason that every drain leaves (source: Kubernetes documentation, "Disruptions").
    if (evicted?.status !== "True" || evicted.reason !== "EvictionByEvictionAPI") return;
    const [node, at] = [pod.spec.nodeName, timestampSeconds(evicted.lastTransitionTime)];
    const { name } = pod.metadata;
    if (node === undefined || at === undefined || name === undefined) return;
    const machines = this.#noted.get(node) ?? new Map<string, number>();
    this.#noted.set(node, machines.set(name, at));
  }

  /**
   * Writes down what was noted, if that can be done now: nothing else depends on it.
   * @param machinesOn the machines of ours that are on a node, those that were evicted and are not gone yet among them
   */
  write(machinesOn: (node: string) => string[]): void {
    if (this.#noted.size === 0) return;
    const { workdir, clock, kube } = this.#dependencies;
    const oldest = epochSeconds(kube.now() ?? clock.now()) - REMEMBERED_SECONDS;
    try {
      const evictions = readEvictions(workdir);
      for (const [node, machines] of this.#noted) {
        const evicted = { ...evictions.get(node)?.evicted, ...Object.fromEntries(machines) };
        evictions.set(node, { evicted, others: machinesOn(node).filter((name) => !(name in evicted)).length });
      }
      for (const [node, { evicted, others }] of evictions) {
        const fresh = Object.entries(evicted).filter(([, at]) => at >= oldest);
        if (fresh.length === 0) evictions.delete(node);
        else evictions.set(node, { evicted: Object.fromEntries(fresh), others });
      }
      writeEvictions(workdir, evictions);
      this.#noted.clear();
    } catch (error) {
      this.#complaints.note("", error);
    }
  }
}
