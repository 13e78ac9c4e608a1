import type { RequestAnswer, ReturnRequestsAnswer, StatusAnswer } from "../../src/hf/answers.ts";
import { parseMachineName } from "../../src/hf/names.ts";
import type { Random } from "../../src/random.ts";
import { integerBetween } from "../../src/random.ts";
import { getAvailableTemplates } from "../../src/verbs/get_available_templates.ts";
import { getRequestStatus } from "../../src/verbs/get_request_status.ts";
import { getReturnRequests } from "../../src/verbs/get_return_requests.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import { requestReturnMachines } from "../../src/verbs/request_return_machines.ts";
import { happens, oneOf, someOf } from "./chance.ts";
import { TEMPLATES } from "./host.ts";
import type { Simulation } from "./simulation.ts";

/** A request for machines, or to take some back, whose id was printed. */
export interface Asked {
  id: string;
  kind: "request" | "return";
  /** Of a request: how many machines; of a return: which. */
  count: number;
  machines: string[];
  /** When it was printed; when it was begun if somebody took files away in between, for what was written by then went with them. */
  atMs: number;
  /** Symphony has heard that it is over. */
  isOver: boolean;
}

/** Symphony's part: it asks for machines, follows what becomes of them, and gives them back. It knows only what it was told. */
export class Symphony {
  readonly #simulation: Simulation;
  /** By id, everything that was accepted, in order. */
  readonly asked = new Map<string, Asked>();
  /** Machines that it has been told of, or can name because it knows their request. */
  readonly machines = new Set<string>();
  /** It has given back what it never got. */
  hasMistaken = false;
  readonly #drained = new Set<string>();
  /** Machines that it has given back, or tried to, whether or not it heard of that. */
  readonly #given = new Set<string>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Asks for machines; sometimes dies on the way, and asks again with the same id, or sees to it that it was not heard. */
  async ask(random: Random): Promise<void> {
    const count = happens(random, 0.5) ? integerBetween(random, 1, 3) : integerBetween(random, 1, 8);
    const names = Object.keys(TEMPLATES);
    const templateId = happens(random, 0.6) ? "plain" : oneOf(random, names);
    const requestId = happens(random, 0.3) ? `given-${integerBetween(random, 0, 1e9).toString(36)}` : undefined;
    for (let tries = happens(random, 0.3) && requestId ? 2 : 1; tries > 0; tries--) {
      const killAt = happens(random, 0.3) ? integerBetween(random, 0, 40) : undefined;
      const input = { template: { templateId, machineCount: count } };
      if (this.#simulation.host.isMisled) continue;
      const beganMs = this.#simulation.clock.monotonic();
      const answer = await this.#simulation.runVerb("requestMachines", input, {
        killAt,
        requestId,
        answer: (provider) => requestMachines(provider, input),
      }) as RequestAnswer | undefined;
      if (!answer?.requestId) continue;
      const { requestId: id } = answer;
      if (this.asked.has(id)) continue;
      const machines = Array.from({ length: count }, (_, index) => `${id}-${index}`);
      this.asked.set(id, { id, kind: "request", count, machines, atMs: this.#askedMs(beganMs), isOver: false });
      for (const machine of machines) this.machines.add(machine);
    }
  }

  /** Gives machines back: some, all, by their ids, ones that it gave back before, ones that never were. */
  async giveBack(random: Random): Promise<void> {
    const known = [...this.machines].filter((name) => this.#mayExist(name)).sort();
    const { host, isForgetful } = this.#simulation;
    if (known.length === 0 || (host.isMisled && isForgetful)) return;
    const names = someOf(random, known, happens(random, 0.3) ? known.length : integerBetween(random, 1, 4));
    if (happens(random, 0.1)) names.push("stranger-7");
    await this.giveBackThese(names, { killAt: happens(random, 0.3) ? integerBetween(random, 0, 30) : undefined });
  }

  /** False where it is told that the machine's request was never issued: it was, on the host that it has left, and has no pod. */
  #mayExist(machine: string): boolean {
    const { host, truth } = this.#simulation;
    const { requestId = "" } = parseMachineName(machine) ?? {};
    return truth.living(machine) !== undefined ||
      host.workdir.kind(host.workdir.layout.request(requestId)) !== undefined;
  }

  async giveBackThese(names: string[], { killAt }: { killAt?: number | undefined } = {}): Promise<void> {
    const input = { machines: names.map((name) => ({ name, machineId: "" })) };
    for (const name of names) this.#given.add(name);
    if (names.some((name) => !this.machines.has(name))) this.hasMistaken = true;
    const beganMs = this.#simulation.clock.monotonic();
    const answer = await this.#simulation.runVerb("requestReturnMachines", input, {
      killAt,
      answer: (provider) => requestReturnMachines(provider, input),
    }) as RequestAnswer | undefined;
    if (!answer?.requestId) return;
    const atMs = this.#askedMs(beganMs);
    const asked = { id: answer.requestId, kind: "return" as const, count: names.length, machines: names, atMs };
    this.asked.set(answer.requestId, { ...asked, isOver: false });
  }

  /** See `Asked.atMs`. */
  #askedMs(beganMs: number): number {
    const { clock, wipedMs } = this.#simulation;
    return wipedMs >= beganMs ? beganMs : clock.monotonic();
  }

  /** True where it has given the machine back. */
  hasReturned(machine: string): boolean {
    return [...this.asked.values()].some(({ kind, machines }) => kind === "return" && machines.includes(machine));
  }

  /** True where it has given the machine back, or has died on the way. */
  mayHaveReturned(machine: string): boolean {
    return this.#given.has(machine);
  }

  /** Asks what became of everything that is not over, and sometimes of what is. */
  async poll(random: Random, { all = false } = {}): Promise<StatusAnswer | undefined> {
    const wanted = [...this.asked.values()].filter(({ isOver }) => all || !isOver || happens(random, 0.1));
    if (wanted.length === 0) return;
    const input = { requests: wanted.map(({ id }) => ({ requestId: id })) };
    const answer = await this.#simulation.runVerb("getRequestStatus", input, {
      answer: (provider) => Promise.resolve(getRequestStatus(provider, input)),
    }) as StatusAnswer | undefined;
    for (const { requestId, status } of answer?.requests ?? []) {
      const asked = this.asked.get(requestId);
      if (asked && status !== "running") asked.isOver = true;
    }
    return answer;
  }

  /** Asks which machines the cluster takes away, and gives those back, as the real one does. */
  async pollReturns(random: Random): Promise<void> {
    const isAll = happens(random, 0.5);
    const machines = someOf(random, [...this.machines].sort(), 6).map((name) => ({ name }));
    const input = isAll ? {} : { machines };
    const answer = await this.#simulation.runVerb("getReturnRequests", input, {
      answer: (provider) => Promise.resolve(getReturnRequests(provider, input)),
    }) as ReturnRequestsAnswer | undefined;
    const named = (answer?.requests ?? []).map(({ machine }) => machine).filter((name) => !this.#drained.has(name));
    for (const name of named) this.#drained.add(name);
    if (named.length > 0 && !this.#simulation.plan.waitsForEnded) await this.giveBackThese(named);
  }

  async pollTemplates(): Promise<void> {
    await this.#simulation.runVerb("getAvailableTemplates", {}, {
      answer: (provider) => Promise.resolve(getAvailableTemplates(provider, {})),
    });
  }
}
