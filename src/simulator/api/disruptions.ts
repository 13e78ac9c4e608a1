import type { Clock } from "../../clock.ts";
import type { Pod } from "../../kube/types.ts";
import type { ActiveFault, FaultSet } from "../faults/fault_set.ts";
import type { Lifecycle } from "../behaviour/lifecycle.ts";
import { disrupted, ended, hasEnded, withDeletion } from "../behaviour/pod_changes.ts";
import type { Store } from "../store/store.ts";
import type { Timeline } from "../behaviour/timeline.ts";
import type { Watches } from "./watching.ts";

/** Disrupts pods and open watches: on request, or periodically while a fault is on. */
export class Disruptions {
  readonly #clock: Clock;
  readonly #timeline: Timeline;
  readonly #faults: FaultSet;
  readonly #pods: Store<Pod>;
  readonly #watches: Watches;
  readonly #lifecycle: Lifecycle;
  readonly #running = new Map<string, { cancel(): void }>();

  constructor(
    options: {
      clock: Clock;
      timeline: Timeline;
      faults: FaultSet;
      pods: Store<Pod>;
      watches: Watches;
      lifecycle: Lifecycle;
    },
  ) {
    this.#clock = options.clock;
    this.#timeline = options.timeline;
    this.#faults = options.faults;
    this.#pods = options.pods;
    this.#watches = options.watches;
    this.#lifecycle = options.lifecycle;
  }

  /** Evicts a pod as its kubelet does: the pod fails, but still exists. */
  evict(pod: Pod, message = "The node was low on resource: memory."): void {
    const now = this.#clock.now();
    const marked = disrupted(pod, { reason: "TerminationByKubelet", message }, now);
    const end = { phase: "Failed", exitCode: 137, containerReason: "Error", reason: "Evicted", message } as const;
    this.#pods.put(ended(marked, end, now));
  }

  /** Preempts a pod for one of higher priority: marks it, and deletes it with grace. */
  preempt(pod: Pod, graceSeconds = 30): void {
    const now = this.#clock.now();
    const reason = {
      reason: "PreemptionByScheduler",
      message: "default-scheduler: preempting to accommodate a higher priority pod",
    };
    this.#pods.put(withDeletion(disrupted(pod, reason, now), graceSeconds, now));
  }

  /** Ends a pod as if its program had exited. */
  end(pod: Pod, { exitCode, reason }: { exitCode: number; reason: string }): void {
    const phase = exitCode === 0 ? "Succeeded" : "Failed";
    this.#pods.put(ended(pod, { phase, exitCode, containerReason: reason }, this.#clock.now()));
  }

  /**
   * Removes a pod whose node was deleted, as the pod garbage collector does: marks it as failed and deletes it without
   * grace. The real one waits 40 to 60 seconds first.
   */
  collect(pod: Pod): void {
    if (hasEnded(pod)) return void this.#lifecycle.finish(pod);
    const reason = { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" };
    const failed: Pod = { ...pod, status: { ...pod.status, phase: "Failed" } };
    this.#lifecycle.finish(this.#pods.put(disrupted(failed, reason, this.#clock.now())));
  }

  /** Applies a fault to the open watches, and starts what it does periodically. */
  start(active: ActiveFault): void {
    this.stop(active.id);
    const { fault } = active;
    if (fault.name === "half-open-watches") {
      for (const watch of this.#watches.list()) {
        if (this.#concerns(fault.paths, watch.path) && this.#faults.draw(active)) watch.silent = true;
      }
    }
    if (fault.name !== "evictions" && fault.name !== "preemption" && fault.name !== "dropped-watches") return;
    const run = () => {
      if (!this.#faults.has(active.id)) this.stop(active.id);
      else this.#strike(active);
    };
    this.#running.set(active.id, this.#timeline.every(fault.periodMs, run));
  }

  /** Stops what a fault does periodically. */
  stop(id: string): void {
    this.#running.get(id)?.cancel();
    this.#running.delete(id);
  }

  #strike(active: ActiveFault): void {
    const { fault } = active;
    if (fault.name === "dropped-watches") {
      for (const watch of this.#watches.list()) {
        if (!this.#concerns(fault.paths, watch.path) || !this.#faults.draw(active)) continue;
        if (fault.how === "end") watch.end();
        else watch.break();
      }
      return;
    }
    for (const pod of [...this.#pods.values()]) {
      if (pod.status?.phase !== "Running" || pod.metadata.deletionTimestamp !== undefined) continue;
      if (!this.#concerns(fault.paths, `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`)) {
        continue;
      }
      if (!this.#faults.draw(active)) continue;
      if (fault.name === "evictions") this.evict(pod, fault.message);
      else if (fault.name === "preemption") this.preempt(pod, fault.graceSeconds);
    }
  }

  #concerns(paths: string[] | undefined, path: string): boolean {
    return paths === undefined || paths.some((part) => path.includes(part));
  }
}
