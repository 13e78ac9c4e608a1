import type { RequestStatusAnswer } from "../../src/hf/answers.ts";
import { integerBetween, type Random } from "../../src/random.ts";
import type { Site } from "../support/site.ts";

/** Machines that Symphony wants to have at most. */
const MOST_MACHINES = 60;

/** What Symphony knows of one request. */
export interface Asked {
  id: string;
  count: number;
  /** The last answer, if nothing was under way any more. */
  settled: RequestStatusAnswer | undefined;
}

/** Plays Symphony at random over the provider scripts, and holds every answer against those before it. */
export class Symphony {
  readonly #site: Site;
  readonly #random: Random;
  readonly #violation: (text: string) => void;
  readonly requests = new Map<string, Asked>();
  /** By return request, the machines that were given back with it. */
  readonly returns = new Map<string, string[]>();
  readonly returned = new Set<string>();
  /** Machines that the provider said are gone or going, before Symphony gave them back. */
  readonly claimed = new Set<string>();
  calls = 0;

  constructor(site: Site, options: { random: Random; violation: (text: string) => void }) {
    this.#site = site;
    this.#random = options.random;
    this.#violation = options.violation;
  }

  /** The machines that Symphony was told are up and that it has not given back, in order. */
  get held(): string[] {
    return [...this.requests.values()].flatMap(({ settled }) =>
      (settled?.machines ?? []).filter(({ name, result }) => result === "succeed" && !this.returned.has(name))
        .map(({ name }) => name)
    ).sort();
  }

  /** Does one thing. @returns machines that were said to be gone or going for the first time */
  async act(): Promise<string[]> {
    const draw = this.#random.next();
    const wanted = [...this.requests.values()].reduce((sum, { count }) => sum + count, 0) - this.returned.size;
    if (draw < 0.2 && wanted < MOST_MACHINES) await this.#request(integerBetween(this.#random, 1, 8));
    else if (draw < 0.32) await this.giveBack(this.#someHeld());
    else if (draw < 0.6) return await this.askForReturns();
    else await this.poll();
    return [];
  }

  async #request(count: number): Promise<void> {
    this.calls++;
    const id = await this.#site.request(count);
    if (this.requests.has(id)) this.#violation(`request id ${id} was given out twice`);
    this.requests.set(id, { id, count, settled: undefined });
  }

  #someHeld(): string[] {
    return this.held.filter(() => this.#random.next() < 0.3).slice(0, 12);
  }

  async giveBack(machines: string[]): Promise<void> {
    if (machines.length === 0) return;
    this.calls++;
    const id = await this.#site.giveBack(machines);
    this.returns.set(id, machines);
    for (const machine of machines) this.returned.add(machine);
  }

  /** Asks for all requests and return requests, those that are settled included: an answer is never taken back. */
  async poll(): Promise<void> {
    const ids = [...this.requests.keys(), ...this.returns.keys()];
    if (ids.length === 0) return;
    this.calls++;
    const input = { requests: ids.map((requestId) => ({ requestId })) };
    const answers: RequestStatusAnswer[] = (await this.#site.tell("getRequestStatus", input)).requests;
    if (answers.map(({ requestId }) => requestId).join() !== ids.join()) {
      this.#violation(`asked for ${ids.length} requests, and was answered something else`);
    }
    for (const answer of answers) {
      const asked = this.requests.get(answer.requestId);
      if (asked) this.#hearOfRequest(asked, answer);
      else if (answer.status === "complete_with_error") {
        this.#violation(`return request ${answer.requestId} failed: ${answer.message}`);
      }
    }
  }

  #hearOfRequest(asked: Asked, answer: RequestStatusAnswer): void {
    const { id, count, settled } = asked;
    for (const { name, result, message } of answer.machines) {
      if (result === "fail" && !message) this.#violation(`${name} failed, and no one says why`);
    }
    if (answer.status === "running") {
      if (settled) this.#violation(`request ${id} was ${settled.status} and is running again`);
      return;
    }
    if (answer.machines.length !== count) {
      this.#violation(`request ${id} is ${answer.status} with ${answer.machines.length} of ${count} machines`);
    }
    for (const { name, machineId } of settled?.machines ?? []) {
      const now = answer.machines.find((machine) => machine.name === name);
      if (machineId && now?.machineId && now.machineId !== machineId) {
        this.#violation(`${name} was ${machineId} and is ${now.machineId}`);
      }
    }
    asked.settled = answer;
  }

  /** @returns machines that were said to be gone or going for the first time */
  async askForReturns(): Promise<string[]> {
    this.calls++;
    const { held } = this;
    if (held.length === 0) return [];
    const named = (await this.#site.returnRequests(held)).requests.map(({ machine }) => machine);
    const fresh = named.filter((machine) => !this.claimed.has(machine));
    for (const machine of fresh) {
      if (!held.includes(machine)) this.#violation(`${machine} is said to be gone, and no one asked`);
      this.claimed.add(machine);
    }
    return fresh;
  }

  /** Every request and return request that is not settled. */
  async unsettled(): Promise<string[]> {
    await this.poll();
    const open = [...this.requests.values()].filter(({ settled }) => !settled).map(({ id }) => id);
    for (const id of this.returns.keys()) {
      if ((await this.#site.status(id)).status === "running") open.push(id);
    }
    return open;
  }
}
