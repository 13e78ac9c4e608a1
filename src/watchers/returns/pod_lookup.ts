import type { BackoffLimits } from "../../kube/backoff.ts";
import { GatheringLog } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Backlog } from "../loop.ts";
import { findOurs } from "../work/ownership.ts";
import { WorkQueue } from "../work/work_queue.ts";

const notFound = new GatheringLog("request-return-machines", "Pods not found yet", {
  of: "machines",
  isTriedAgain: true,
});

/** How often, in milliseconds, a machine's pod is asked for: at first, and at most, doubling in between. */
const AGAIN: BackoffLimits = { firstMs: 1_000, longestMs: 30_000 };

/** What the cluster says of a machine's pod: its uid, or that there is none of ours. */
export type Found = { uid: string } | "gone";

/** Asks the cluster for pods that the watch has not shown, all in their turn and a few at a time. */
export class PodLookup {
  readonly #dependencies: Dependencies;
  readonly #found: (machine: string, found: Found) => void;
  /** By machine: how often the cluster has answered. */
  readonly #queue: WorkQueue<{ answers: number }>;

  /** @param options `found` is told of each answer, `wake` is called when there is nothing left to ask now */
  constructor(
    dependencies: Dependencies,
    options: { found: (machine: string, found: Found) => void; wake: () => void },
  ) {
    this.#dependencies = dependencies;
    this.#found = options.found;
    this.#queue = new WorkQueue(dependencies, {
      concurrency: dependencies.concurrency,
      call: (machine, asked) => this.#ask(machine, asked),
      backoff: AGAIN,
      failed: (machine, { error }) => notFound.failed(machine, error),
      idle: options.wake,
    });
  }

  /** Asks for these machines as soon as each may be asked for, and for no others any more. */
  find(machines: ReadonlySet<string>): void {
    this.#queue.retain((machine) => machines.has(machine));
    for (const machine of machines) this.#queue.add(machine, { answers: 0 });
    this.#queue.start();
  }

  /** When there is something to ask again, on the monotonic clock; infinity if there is nothing. */
  get nextMs(): number {
    return this.#queue.nextMs;
  }

  /** Machines that are asked for. */
  get backlog(): Backlog {
    return this.#queue.backlog;
  }

  /** Resolves once nothing is being asked. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** @returns when it may be asked for again */
  async #ask(machine: string, asked: { answers: number }): Promise<number> {
    const pod = await findOurs(this.#dependencies, machine, { signal: this.#dependencies.signal });
    this.#found(machine, pod?.metadata.uid === undefined ? "gone" : { uid: pod.metadata.uid });
    return Math.min(AGAIN.longestMs, AGAIN.firstMs * 2 ** Math.min(asked.answers++, 10));
  }
}
