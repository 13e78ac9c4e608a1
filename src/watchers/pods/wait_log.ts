import type { Pod } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { startupFailureOf } from "../../machine/startup_failure.ts";
import { containersOf, pendingReason, waitsUnusually } from "../../machine/failure_reason.ts";

const log = logger("pods");

/**
 * Says why machines wait that are not on their usual way up: once for each kind of reason, however many machines there are,
 * until none waits for it any more.
 */
export class WaitLog {
  /** By machine, the kind of reason. */
  readonly #kinds = new Map<string, string>();
  /** By kind of reason, how many machines wait for it. */
  readonly #counts = new Map<string, number>();

  /** Takes note of a machine's pod; of none if that is gone. */
  note(machine: string, pod: Pod | undefined): void {
    const kind = pod && kindOf(pod);
    const before = this.#kinds.get(machine);
    if (kind === before) return;
    if (before !== undefined) this.#add(before, -1);
    if (kind === undefined || pod === undefined) return void this.#kinds.delete(machine);
    this.#kinds.set(machine, kind);
    if (this.#add(kind, 1) === 1) log.info("Machines wait", { machine, reason: pendingReason(pod) });
  }

  #add(kind: string, more: number): number {
    const count = (this.#counts.get(kind) ?? 0) + more;
    if (count > 0) this.#counts.set(kind, count);
    else this.#counts.delete(kind);
    return count;
  }
}

/** What pods that wait for the same have in common: messages differ from one to the other, and with time. */
function kindOf(pod: Pod): string | undefined {
  const phase = pod.status?.phase ?? "Pending";
  if (phase !== "Pending" && phase !== "Running") return undefined;
  const hindrance = startupFailureOf(pod);
  if (hindrance) return hindrance.what;
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") return scheduled.reason ?? "not scheduled";
  return containersOf(pod).find(waitsUnusually)?.state?.waiting?.reason;
}
