import { eventually } from "../support/deadline.ts";
import type { Site } from "../support/site.ts";

/** Machines of one request. */
const BATCH = 20;

/** How long, in milliseconds, machines are kept: with 300 of them, 3.3 are turned over each second. */
const LIFETIME_MS = 90_000;

/** How often, in milliseconds, Symphony asks for a status, and which machines are going. */
const POLL_MS = 2_000;
const RETURNS_POLL_MS = 10_000;

/** How long, in seconds, a request may take to end: some pods never start, and are given up on after their timeout. */
const LONGEST_SECONDS = 200;

/**
 * Symphony's part: asks for machines, waits until they are up, keeps them for a while, gives them back, and waits until
 * they are gone, with many such requests at different stages at any time. Every question is a real run of a provider script.
 */
export class Churn {
  readonly #site: Site;
  readonly #machines: number;
  /** By request, the machines that Symphony has. */
  readonly #held = new Map<string, Set<string>>();
  /** Machines that were asked for, that came up, and that the cluster took away. */
  readonly counts = { asked: 0, up: 0, taken: 0 };
  /** What came out wrong. */
  readonly failures: string[] = [];

  /** @param options `machines`: how many are to be alive at any time */
  constructor(site: Site, { machines }: { machines: number }) {
    this.#site = site;
    this.#machines = machines;
  }

  /** Goes on until `stopping` aborts, then gives back everything. */
  async run(stopping: AbortSignal): Promise<void> {
    const lives = new Set<Promise<void>>();
    const asking = this.#askForReturns(stopping);
    while (!stopping.aborted) {
      const life = this.#try(() => this.#live(stopping)).finally(() => lives.delete(life));
      lives.add(life);
      await pause(LIFETIME_MS * BATCH / this.#machines, stopping);
    }
    await Promise.all([...lives, asking]);
  }

  /** One request from its beginning to its end. */
  async #live(stopping: AbortSignal): Promise<void> {
    this.counts.asked += BATCH;
    const id = await this.#site.request(BATCH);
    const { machines } = await this.#settled(id);
    if (machines.length !== BATCH) throw new Error(`request ${id} ended with ${machines.length} of ${BATCH} machines`);
    this.counts.up += machines.filter(({ result }) => result === "succeed").length;
    const held = new Set(machines.map(({ name }) => name));
    this.#held.set(id, held);
    await pause(LIFETIME_MS, stopping);
    this.#held.delete(id);
    if (held.size > 0) await this.#settled(await this.#site.giveBack([...held]));
  }

  /** Gives back what the provider says is going. */
  async #askForReturns(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      await pause(RETURNS_POLL_MS, stopping);
      await this.#try(async () => {
        const all = [...this.#held.values()].flatMap((held) => [...held]);
        if (all.length === 0) return;
        const named = new Set((await this.#site.returnRequests(all)).requests.map(({ machine }) => machine));
        const taken = all.filter((machine) => named.has(machine));
        for (const held of this.#held.values()) for (const machine of taken) held.delete(machine);
        this.counts.taken += taken.length;
        if (taken.length > 0) await this.#settled(await this.#site.giveBack(taken));
      });
    }
  }

  #settled(id: string) {
    return eventually(`request ${id} ended`, async () => {
      const status = await this.#site.status(id);
      return status.status !== "running" && status;
    }, { seconds: LONGEST_SECONDS, everyMs: POLL_MS });
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.failures.push(`${error}`);
      console.error(`${new Date().toISOString()} ${error}`);
    }
  }
}

/** Resolves after so long, or once `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
