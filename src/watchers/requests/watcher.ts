import { Budget } from "../../budget.ts";
import { describeError, HostFactoryError } from "../../errors.ts";
import { isMisplaced, isNotFound } from "../../files.ts";
import { parseMachineName } from "../../hf/names.ts";
import { isRetryable } from "../../kube/errors.ts";
import { GatheringLog, logger } from "../../log.ts";
import { parseManifest } from "../../templates/manifest.ts";
import { commit } from "../../workdir/commit.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import { readState, readTombstone, writeFirstState } from "../../workdir/machines.ts";
import type { Tombstone } from "../../machine/tombstone.ts";
import {
  isProcessed,
  isTakenAway,
  markProcessed,
  readManifest,
  readRequest,
  type StoredRequest,
} from "../../workdir/requests.ts";
import { isOutdated, markTaken, NOT_CREATED } from "../../workdir/outdated_requests.ts";
import { type Ending, endLost, endRejected, endReturned } from "../../machine/ending.ts";
import {
  type ActiveRequest,
  activeRequest,
  askedAt,
  backlogOf,
  nextTryMs,
  openMachines,
  type PendingMachine,
} from "./active_request.ts";
import { decideTake } from "./decide.ts";
import { backoffMs } from "../work/backoff.ts";
import { changeUnlessOver } from "../work/endings.ts";
import { Inbox } from "../work/inbox.ts";
import { type Backlog, type Loop, type Outcome, sumOf } from "../loop.ts";
import { findOurs } from "../work/ownership.ts";
import { UnregisteredExtensions } from "./configuration.ts";
import { createPod } from "./pod_creation.ts";
import { Retries } from "../work/retries.ts";
import { Preparation } from "./preparation.ts";
import { Settlement } from "./settlement.ts";
import { shareFairly } from "./fair_share.ts";
import type { Lane } from "../work/limiter.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, returns are looked for between creates: with thousands of them a look takes time. */
const RETURNS_EVERY_MS = 50;

/** Machines in one request that are many. */
const MANY = 1_000;

/** Machines whose end is written down in one go: meanwhile no new request is taken up. */
const MOST_ENDINGS = 500;

const log = logger("request-machines");
const notCreated = new GatheringLog("request-machines", "Pods not created yet", { of: "machines", isTriedAgain: true });
const unreadable = new GatheringLog("request-machines", "Cannot be read or written down yet", { of: "entries" });

/** Creates the pods of requested machines. */
export class RequestMachinesWatcher implements Loop {
  readonly name = "request-machines";
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  readonly #lane: Lane;
  readonly #inbox: Inbox<StoredRequest>;
  /** Of requests and of machines that could not be read or written down. */
  readonly #retries: Retries;
  readonly #settlement: Settlement;
  readonly #active = new Map<string, ActiveRequest>();
  readonly #preparation: Preparation;
  readonly #unregisteredExtensions: UnregisteredExtensions;
  #returnsReadMs = -Infinity;
  /** The revision of the returns that the pending machines were last checked for. */
  #returnsSeen = 0;
  #starts = 0;

  /** @param wake has to make `step` run again soon */
  constructor(dependencies: Dependencies, wake: () => void) {
    this.#dependencies = dependencies;
    this.#wake = wake;
    const freed = () => dependencies.stopping.aborted || this.#startCreates();
    this.#lane = dependencies.limiter.lane(dependencies.concurrency, freed);
    this.#preparation = new Preparation(dependencies, () => {
      this.#startCreates();
      wake();
    });
    this.#retries = new Retries(dependencies, unreadable, { by: this.name, pathOf: (name) => this.#pathOf(name) });
    this.#unregisteredExtensions = new UnregisteredExtensions(dependencies);
    this.#settlement = new Settlement(dependencies, { retries: this.#retries, wake });
    this.#inbox = new Inbox(dependencies, {
      what: "request",
      directory: dependencies.workdir.layout.requests,
      isProcessed: (id) => isProcessed(dependencies.workdir, id),
      read: (id) => readRequest(dependencies.workdir, id),
      take: (stored) => this.#take(stored),
      retries: this.#retries,
      wake,
    });
  }

  /** Machines of requests that are not handled yet. */
  readonly backlog = (): Backlog => sumOf([...[...this.#active.values()].map(backlogOf), this.#retries.backlog]);

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#dependencies;
    returns.refresh(clock.now());
    await this.#inbox.step();
    const now = clock.monotonic();
    // Others refresh the same index: what is new to us is what we have not acted on.
    const newReturns = returns.revision !== this.#returnsSeen;
    this.#returnsSeen = returns.revision;
    for (const request of this.#active.values()) {
      if (newReturns) this.#endReturned(request);
      request.ready.unshift(...request.delayed.filter(({ notBeforeMs }) => notBeforeMs <= now));
      request.delayed = request.delayed.filter(({ notBeforeMs }) => notBeforeMs > now);
    }
    await this.#end();
    await inParallel([...this.#active.values()], (request) => this.#finish(request));
    await this.#settlement.step();
    if (!signal.aborted) this.#startCreates();
    return this.#next();
  }

  /** Resolves once no create is under way. */
  async drained(): Promise<void> {
    await this.#preparation.drained();
    await this.#lane.drained();
  }

  /** The entry of a request, or of a machine in its request. */
  #pathOf(name: string): string {
    const { layout } = this.#dependencies.workdir;
    const requestId = parseMachineName(name)?.requestId;
    return requestId === undefined || this.#inbox.has(name) || this.#active.has(name)
      ? layout.request(name)
      : layout.requestMachine(requestId, name);
  }

  /** Takes up a request that has not been handled. */
  async #take(stored: StoredRequest): Promise<void> {
    const { workdir } = this.#dependencies;
    const { id } = stored;
    // From many machines on it is quicker to list all notes than to look for each.
    const noted = stored.machines.length < MANY ? undefined : new Set(workdir.names(workdir.layout.machines));
    const request = activeRequest(stored, { isOutdated: isOutdated(workdir, id) });
    const budget = new Budget(this.#dependencies.clock);
    for (const machine of stored.machines) {
      if (budget.isSpent) await budget.breathe();
      this.#takeMachine(
        request,
        machine,
        noted?.has(machine.name) === false ? undefined : readTombstone(workdir, machine.name),
      );
    }
    const [first] = request.unprepared;
    try {
      if (first) request.manifest = await parseManifest(readManifest(workdir, id, first.name), `of request ${id}`);
    } catch (error) {
      if (!(error instanceof HostFactoryError) && !isNotFound(error) && !isMisplaced(error)) throw error;
      log.error("Request cannot be created", { request: id, error: describeError(error) });
      for (const { name } of request.unprepared.splice(0)) request.ending.push(endRejected(name, describeError(error)));
    }
    if (stored.machines.some(({ pending }) => !pending)) this.#settlement.takeUp(id);
    if (request.unprepared.length > 0) markTaken(workdir, id);
    this.#unregisteredExtensions.look(stored);
    this.#active.set(id, request);
    const { count: machines, unprepared: { length: toCreate }, isOutdated: outdated } = request;
    log.info("Request taken up", { request: id, machines, toCreate, ...(outdated ? { outdated } : {}) });
  }

  #takeMachine(
    request: ActiveRequest,
    { name, index, pending }: { name: string; index: number; pending: boolean },
    tombstone: Tombstone | undefined,
  ): void {
    const { workdir, returns } = this.#dependencies;
    const state = readState(workdir, name);
    const mayExist = this.#inbox.isInherited(request.id);
    switch (decideTake({ entry: pending ? "pending" : "created", state, tombstone, returned: returns.has(name) })) {
      case "leave":
        return;
      case "settle":
        return this.#settlement.settle(request.id, name);
      case "end":
        if (tombstone) {
          request.ending.push({ machine: name, state: tombstone.returned ? "deleted" : "failed", tombstone });
        }
        return;
      case "endReturned":
        if (!mayExist) return void request.ending.push(endReturned(name));
        break;
      case "create":
        if (state === undefined) this.#writeFirstState(name);
    }
    request.unprepared.unshift({ name, index, mayExist, failures: 0, notBeforeMs: 0 });
  }

  /** Without it a machine reads as `creating` all the same, so nothing waits for it. */
  #writeFirstState(machine: string): void {
    try {
      writeFirstState(this.#dependencies.workdir, machine);
    } catch (error) {
      log.warn("First state not written", { machine, error: describeError(error) });
    }
  }

  /** Those of which no pod can exist; the others are looked for, as soon as there is a free slot. */
  #endReturned(request: ActiveRequest): void {
    const stays = ({ name, mayExist }: PendingMachine): boolean => {
      if (mayExist || !this.#dependencies.returns.has(name)) return true;
      request.ending.push(endReturned(name));
      return false;
    };
    request.unprepared = request.unprepared.filter(stays);
    request.ready = request.ready.filter(stays);
    request.delayed = request.delayed.filter(stays);
  }

  /** Writes down, many in one go, which machines are never to be created. */
  async #end(): Promise<void> {
    const due = [...this.#active.values()].flatMap(({ ending }) => ending)
      .filter(({ machine }) => !this.#retries.waits(machine));
    if (due.length === 0) return;
    if (due.length > MOST_ENDINGS) this.#wake();
    const endings = due.slice(0, MOST_ENDINGS);
    const decide = (ending: Ending) => () => changeUnlessOver(this.#dependencies.workdir, ending);
    const failed = await commit(this.#dependencies, endings.map((ending) => [ending.machine, decide(ending)]));
    for (const { machine } of endings) {
      if (failed.has(machine)) this.#retries.note(machine, failed.get(machine));
      else this.#retries.clear(machine);
    }
    const ended = new Set(endings.filter(({ machine }) => !failed.has(machine)));
    for (const request of this.#active.values()) {
      request.ending = request.ending.filter((ending) => !ended.has(ending));
    }
  }

  /** Notes that every machine of a request has been handled, once that is so. */
  async #finish(request: ActiveRequest): Promise<void> {
    const { id, count } = request;
    if (openMachines(request) > 0 || this.#retries.waits(id)) return;
    const { workdir } = this.#dependencies;
    try {
      if (workdir.kind(workdir.layout.request(id)) === "directory") await markProcessed(workdir, id);
      this.#retries.clear(id);
      this.#settlement.forget(id);
      this.#active.delete(id);
      log.info("Request handled", { request: id, machines: count });
    } catch (error) {
      this.#retries.note(id, error);
    }
  }

  #startCreates(): void {
    this.#preparation.start([...this.#active.values()]);
    const free = this.#lane.free;
    if (free === 0) return;
    try {
      this.#lookForReturns();
    } catch {
      return this.#wake(); // The step meets the same trouble, says so and backs off.
    }
    const requests = [...this.#active.values()].sort((a, b) => askedAt(a) - askedAt(b));
    const shares = shareFairly(requests.map((one) => ({ ...one, ready: one.ready.length })), {
      limit: this.#lane.limit,
      free,
    });
    for (const [i, request] of requests.entries()) {
      for (let share = shares[i] ?? 0; share > 0; share--) {
        const machine = request.ready.pop();
        if (machine) this.#start(request, machine);
      }
    }
  }

  /** What Symphony gave back since the last step is not created any more. */
  #lookForReturns(): void {
    const { clock, returns } = this.#dependencies;
    if (clock.monotonic() - this.#returnsReadMs < RETURNS_EVERY_MS) return;
    this.#returnsReadMs = clock.monotonic();
    returns.refresh(clock.now());
  }

  #start(request: ActiveRequest, machine: PendingMachine): void {
    request.inFlight++;
    request.lastStart = ++this.#starts;
    this.#lane.start(async () => {
      try {
        await this.#create(request, machine);
      } catch (error) {
        this.#failed(request, machine, error);
      }
      request.inFlight--;
      if (request.ready.length === 0 || request.delayed.length > 0) this.#wake();
    });
  }

  /** Creates the machine's pod, unless others have found in the meantime that there is nothing to create any more. */
  async #create(request: ActiveRequest, machine: PendingMachine): Promise<void> {
    const { workdir, returns, signal } = this.#dependencies;
    const { name, mayExist, rejected } = machine;
    if (isTakenAway(workdir, request.id)) return;
    const state = readState(workdir, name);
    if (state === undefined || state === "creating") {
      const isWanted = !returns.has(name) && !request.isOutdated && rejected === undefined;
      if (isWanted) await this.#createPod(request, machine);
      else if (!(mayExist || request.isOutdated) || !await findOurs(this.#dependencies, name, { signal })) {
        const unwanted = () => rejected === undefined ? endLost(name, NOT_CREATED) : endRejected(name, rejected);
        request.ending.push(returns.has(name) ? endReturned(name) : unwanted());
        return this.#wake();
      }
      this.#lane.succeeded();
    }
    this.#settlement.settle(request.id, name);
  }

  async #createPod(request: ActiveRequest, machine: PendingMachine): Promise<void> {
    const rejected = await createPod(this.#dependencies, request, machine);
    if (!rejected) return;
    request.ending.push(rejected);
    this.#wake();
  }

  #failed(request: ActiveRequest, machine: PendingMachine, error: unknown): void {
    if (this.#dependencies.signal.aborted) return void request.delayed.push(machine);
    this.#lane.failed(error);
    if (isRetryable(error)) return this.#tryLater(request, machine, error);
    request.ending.push(endRejected(machine.name, describeError(error)));
    this.#wake();
  }

  #tryLater(request: ActiveRequest, machine: PendingMachine, error: unknown): void {
    const { clock, random, workdir } = this.#dependencies;
    if (isNotFound(error) && isTakenAway(workdir, request.id)) return;
    machine.failures++;
    machine.notBeforeMs = clock.monotonic() + backoffMs(machine.failures, random);
    request.delayed.push(machine);
    notCreated.failed(machine.name, error);
  }

  #next(): Outcome {
    const { clock } = this.#dependencies;
    const waiting = [...this.#active.values()];
    const paused = waiting.some(({ ready }) => ready.length > 0) ? this.#lane.pausedUntilMs : Infinity;
    const create = Math.max(Math.min(paused, ...waiting.map(nextTryMs)), this.#lane.pausedUntilMs);
    const times = [create, this.#retries.nextMs].filter((ms) => ms > clock.monotonic());
    const atMs = Math.min(...times, this.#settlement.nextMs);
    return atMs === Infinity ? { kind: "done" } : { kind: "again", atMs };
  }
}
