import { isNotFound } from "../files.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { isRequestId } from "../hf/names.ts";
import { machineStatus } from "../hf/status.ts";
import { isRetryable, KubeError } from "../kube/errors.ts";
import { logger } from "../log.ts";
import { type Manifest, parseManifest } from "../templates/manifest.ts";
import { buildPod } from "../templates/podspec.ts";
import { Arrivals } from "../workdir/arrivals.ts";
import { readStatusWord, writeMachineRecord, writeStatusWord } from "../workdir/machines.ts";
import { markProcessed, readManifest, readRequest, type RequestRecord, settleMachine } from "../workdir/requests.ts";
import { backoffMs } from "./backoff.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { isOurs } from "./ownership.ts";
import { Slots } from "./slots.ts";
import type { Watching } from "./watching.ts";

/** A machine whose pod is still to be created. */
interface PendingMachine {
  name: string;
  index: number;
  failures: number;
  /** Not to be tried before, on the monotonic clock. */
  notBeforeMs: number;
}

/** A request that still has machines to create. */
interface ActiveRequest {
  id: string;
  record: RequestRecord | undefined;
  count: number;
  manifest: Manifest;
  /** To be tried as soon as there is a free slot, the last one first. */
  ready: PendingMachine[];
  /** To be tried again later. */
  delayed: PendingMachine[];
  inFlight: number;
  /** The place among all starts that its last one had; 0 before the first. */
  lastStart: number;
}

const log = logger("request-machines");

/**
 * Which requests the free slots go to, oldest first: half of all slots are the oldest request's, the other half goes to
 * the others in turn, so that a large request does not hold up a small one that came later.
 * @param requests oldest first: how many machines could be started, how many are under way, when the last one was started
 */
export function shareSlots(
  requests: { ready: number; inFlight: number; lastStart: number }[],
  options: { limit: number; free: number },
): number[] {
  const given = requests.map(() => 0);
  const running = (i: number) => (requests[i]?.inFlight ?? 0) + (given[i] ?? 0);
  const comesFirst = (a: number, b: number) =>
    (running(a) - running(b) || (requests[a]?.lastStart ?? 0) - (requests[b]?.lastStart ?? 0)) < 0;
  const ready = (i: number) => (requests[i]?.ready ?? 0) > (given[i] ?? 0);
  for (let free = options.free; free > 0; free--) {
    const candidates = requests.map((_, i) => i).filter(ready);
    const [oldest, ...others] = candidates;
    if (oldest === undefined) break;
    const least = others.reduce<number | undefined>(
      (best, i) => best === undefined || comesFirst(i, best) ? i : best,
      undefined,
    );
    const chosen = least !== undefined && running(oldest) >= options.limit / 2 ? least : oldest;
    given[chosen] = (given[chosen] ?? 0) + 1;
  }
  return given;
}

/** Creates the pods of requested machines. */
export class RequestMachinesWatcher implements Loop {
  readonly name = "request-machines";
  readonly #watching: Watching;
  readonly #wake: () => void;
  readonly #slots: Slots;
  readonly #arrivals: Arrivals;
  readonly #active = new Map<string, ActiveRequest>();
  /** How many machines had been given back when the pending ones were last checked for it. */
  #returnsSeen = 0;
  #starts = 0;

  /** @param wake has to make `step` run again soon */
  constructor(watching: Watching, wake: () => void) {
    this.#watching = watching;
    this.#wake = wake;
    const freed = () => watching.stopping.aborted || this.#startCreates();
    this.#slots = new Slots(watching.concurrency, { ...watching, freed });
    this.#arrivals = new Arrivals(watching.workdir, watching.workdir.layout.requests);
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#watching;
    returns.refresh(clock.now());
    for (const id of this.#arrivals.next(clock.now())) await this.#tryToTake(id);
    const now = clock.monotonic();
    // Others refresh the same index: what is new to us is what we have not acted on.
    const newReturns = returns.size !== this.#returnsSeen;
    for (const request of this.#active.values()) {
      if (newReturns) this.#giveUpReturned(request);
      request.ready.unshift(...request.delayed.filter(({ notBeforeMs }) => notBeforeMs <= now));
      request.delayed = request.delayed.filter(({ notBeforeMs }) => notBeforeMs > now);
      this.#finish(request);
    }
    this.#returnsSeen = returns.size;
    if (!signal.aborted) this.#startCreates();
    return this.#next();
  }

  /** Resolves once no create is under way. */
  drained(): Promise<void> {
    return this.#slots.drained();
  }

  async #tryToTake(id: string): Promise<void> {
    try {
      await this.#take(id);
    } catch (error) {
      this.#arrivals.forget(id);
      log.warn("Request cannot be taken up yet", { request: id, error: describeError(error) });
    }
  }

  /** Takes up a request that is new here. */
  async #take(id: string): Promise<void> {
    const { workdir, returns } = this.#watching;
    if (!isRequestId(id)) return log.warn("Left alone: not a request", { name: id });
    const stored = readRequest(workdir, id);
    if (!stored || stored.processed) return;
    const ready: PendingMachine[] = [];
    for (const { name, index, pending } of stored.machines) {
      if (!pending) continue;
      const word = readStatusWord(workdir, name);
      if (word === undefined) writeStatusWord(workdir, name, "creating");
      // A crash may have come between the word that ended a machine and the note that it is never to be created.
      if (word !== undefined && machineStatus(word) === "terminated") settleMachine(workdir, id, name);
      else if (returns.has(name)) this.#giveUp(id, name, { returned: true, message: RETURNED_FIRST });
      else ready.unshift({ name, index, failures: 0, notBeforeMs: 0 });
    }
    const [first] = ready;
    if (!first) return markProcessed(workdir, id);
    try {
      const manifest = await parseManifest(readManifest(workdir, id, first.name), `of request ${id}`);
      const count = stored.record?.count ?? stored.machines.length;
      this.#active.set(id, {
        id,
        record: stored.record,
        count,
        manifest,
        ready,
        delayed: [],
        inFlight: 0,
        lastStart: 0,
      });
      log.info("Request taken up", { request: id, machines: count, toCreate: ready.length });
    } catch (error) {
      if (!(error instanceof HostFactoryError) && !isNotFound(error)) throw error;
      log.error("Request cannot be created", { request: id, error: describeError(error) });
      for (const { name } of ready) this.#giveUp(id, name, { message: describeError(error) });
      markProcessed(workdir, id);
    }
  }

  #giveUpReturned(request: ActiveRequest): void {
    const stays = ({ name }: PendingMachine): boolean => {
      if (!this.#watching.returns.has(name)) return true;
      this.#giveUp(request.id, name, { returned: true, message: RETURNED_FIRST });
      return false;
    };
    request.ready = request.ready.filter(stays);
    request.delayed = request.delayed.filter(stays);
  }

  /** Notes that every machine of a request has been handled, once that is so. */
  #finish(request: ActiveRequest): void {
    if (request.ready.length + request.delayed.length + request.inFlight > 0) return;
    markProcessed(this.#watching.workdir, request.id);
    this.#active.delete(request.id);
    log.info("Request handled", { request: request.id, machines: request.count });
  }

  #startCreates(): void {
    const free = this.#slots.free;
    if (free === 0) return;
    const requests = [...this.#active.values()].sort((a, b) => askedAt(a) - askedAt(b));
    const shares = shareSlots(requests.map((one) => ({ ...one, ready: one.ready.length })), {
      limit: this.#slots.limit,
      free,
    });
    for (const [i, request] of requests.entries()) {
      for (let share = shares[i] ?? 0; share > 0; share--) {
        const machine = request.ready.pop();
        if (machine) this.#start(request, machine);
      }
    }
  }

  #start(request: ActiveRequest, machine: PendingMachine): void {
    request.inFlight++;
    request.lastStart = ++this.#starts;
    this.#slots.start(async () => {
      try {
        await this.#create(request, machine);
        this.#slots.succeeded();
        settleMachine(this.#watching.workdir, request.id, machine.name);
      } catch (error) {
        this.#failed(request, machine, error);
      }
      request.inFlight--;
      if (request.ready.length === 0 || request.delayed.length > 0) this.#wake();
    });
  }

  /** Creates the pod; one that exists already and is ours is a success. */
  async #create(request: ActiveRequest, { name, index }: PendingMachine): Promise<void> {
    const { kube, instance, signal } = this.#watching;
    const { id, count, record, manifest } = request;
    const { templateId, requestedAt } = record ?? {};
    const pod = buildPod(manifest, { machine: name, requestId: id, index, count, instance, templateId, requestedAt });
    try {
      await kube.createPod(pod, { signal });
      log.debug("Pod created", { machine: name });
    } catch (error) {
      if (!(error instanceof KubeError) || error.kind !== "alreadyExists") throw error;
      const existing = await kube.getPod(name, { signal });
      if (!isOurs(existing, { instance, hasRequest: (requestId) => requestId === id })) {
        throw new KubeError("invalid", `Cannot create pod '${name}': a pod of that name exists and is not ours`);
      }
    }
  }

  #failed(request: ActiveRequest, machine: PendingMachine, error: unknown): void {
    const { signal } = this.#watching;
    if (signal.aborted) return void request.delayed.push(machine);
    this.#slots.failed(error);
    if (isRetryable(error)) return this.#tryLater(request, machine, error);
    log.error("Pod rejected", { machine: machine.name, error: describeError(error) });
    try {
      this.#giveUp(request.id, machine.name, { message: describeError(error) });
    } catch (second) {
      this.#tryLater(request, machine, second);
    }
  }

  #tryLater(request: ActiveRequest, machine: PendingMachine, error: unknown): void {
    const { clock, random } = this.#watching;
    machine.failures++;
    machine.notBeforeMs = clock.monotonic() + backoffMs(machine.failures, random);
    request.delayed.push(machine);
    log.warn("Pod not created yet", { machine: machine.name, tries: machine.failures, error: describeError(error) });
  }

  /** Ends a machine that has no pod: first why, then that it failed, and last that it is never to be created. */
  #giveUp(requestId: string, machine: string, why: { message: string; returned?: boolean }): void {
    const { workdir } = this.#watching;
    const { message, returned = false } = why;
    writeMachineRecord(workdir, machine, { up: false, returned, givenUp: true, message });
    writeStatusWord(workdir, machine, returned ? "deleted" : "failed");
    settleMachine(workdir, requestId, machine);
  }

  #next(): Outcome {
    const waiting = [...this.#active.values()];
    const delayed = waiting.flatMap((request) => request.delayed.map(({ notBeforeMs }) => notBeforeMs));
    const earliest = delayed.reduce((least, ms) => Math.min(least, ms), Infinity);
    const paused = waiting.some(({ ready }) => ready.length > 0) ? this.#slots.pausedUntilMs : Infinity;
    const atMs = Math.max(Math.min(earliest, paused), this.#slots.pausedUntilMs);
    return Number.isFinite(atMs) && atMs > this.#watching.clock.monotonic()
      ? { kind: "again", atMs }
      : { kind: "done" };
  }
}

const RETURNED_FIRST = "Returned by Symphony before its pod was created";

function askedAt(request: ActiveRequest): number {
  return request.record?.requestedAt ?? 0;
}
