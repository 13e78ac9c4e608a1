import { describeError } from "../../errors.ts";
import { logger } from "../../log.ts";
import { findOurs } from "../work/ownership.ts";
import { isClusterTrouble, Limiter } from "../work/limiter.ts";
import type { Watching } from "../dependencies.ts";

/** How often, in milliseconds, a machine's pod is asked for: at first, and at most, doubling in between. */
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** What the cluster says of a machine's pod: its uid, or that there is none of ours. */
export type Found = { uid: string } | "gone";

/** Asks the cluster for pods that the watch has not shown, all in their turn and a few at a time. */
export class PodLookup {
  readonly #watching: Watching;
  readonly #limiter: Limiter;
  readonly #found: (machine: string, found: Found) => void;
  readonly #log: ReturnType<typeof logger>;
  /** By machine: how often it was asked for, and when it may be again, on the monotonic clock. */
  readonly #asked = new Map<string, { times: number; againMs: number }>();
  /** The next one first. */
  #queue: string[] = [];
  readonly #underWay = new Set<string>();
  #isTroubled = false;

  /** @param options `found` is told of each answer, `wake` is called when there is nothing left to ask now */
  constructor(
    watching: Watching,
    options: { name: string; found: (machine: string, found: Found) => void; wake: () => void },
  ) {
    this.#watching = watching;
    this.#found = options.found;
    this.#log = logger(options.name);
    const freed = () => {
      this.#start();
      if (this.#queue.length === 0) options.wake();
    };
    this.#limiter = new Limiter(watching.concurrency, { ...watching, freed });
  }

  /** Asks for these machines as soon as each may be asked for, and for no others any more. */
  find(machines: Set<string>): void {
    for (const machine of this.#asked.keys()) if (!machines.has(machine)) this.#asked.delete(machine);
    const now = this.#watching.clock.monotonic();
    const isDue = (machine: string) => now >= (this.#asked.get(machine)?.againMs ?? 0);
    const queued = new Set(this.#queue.filter((machine) => machines.has(machine)));
    for (const machine of machines) if (isDue(machine) && !this.#underWay.has(machine)) queued.add(machine);
    this.#queue = [...queued];
    this.#start();
  }

  /** When there is something to ask again, on the monotonic clock; infinity where there is nothing. */
  get nextMs(): number {
    let next = this.#queue.length > 0 ? this.#limiter.pausedUntilMs : Infinity;
    for (const [machine, { againMs }] of this.#asked) if (!this.#underWay.has(machine)) next = Math.min(next, againMs);
    return next;
  }

  /** Resolves once nothing is being asked. */
  drained(): Promise<void> {
    return this.#limiter.drained();
  }

  #start(): void {
    while (this.#limiter.free > 0 && !this.#watching.stopping.aborted) {
      const machine = this.#queue.shift();
      if (machine === undefined) return;
      this.#underWay.add(machine);
      this.#limiter.start(async () => {
        const found = await this.#ask(machine);
        this.#underWay.delete(machine);
        const times = (this.#asked.get(machine)?.times ?? 0) + 1;
        const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(times - 1, 10));
        this.#asked.set(machine, { times, againMs: this.#watching.clock.monotonic() + waitMs });
        if (found !== undefined) this.#found(machine, found);
      });
    }
  }

  /** Nothing where the cluster gives no answer now. */
  async #ask(machine: string): Promise<Found | undefined> {
    const { signal } = this.#watching;
    try {
      const pod = await findOurs(this.#watching, machine, { signal });
      this.#limiter.succeeded();
      this.#isTroubled = false;
      return pod?.metadata.uid === undefined ? "gone" : { uid: pod.metadata.uid };
    } catch (error) {
      this.#limiter.failed(error);
      if (signal.aborted || (this.#isTroubled && isClusterTrouble(error))) return undefined;
      this.#isTroubled = isClusterTrouble(error);
      this.#log.warn("Pod not found yet", { machine, error: describeError(error) });
      return undefined;
    }
  }
}
