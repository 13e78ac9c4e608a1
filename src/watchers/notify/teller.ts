import { Budget } from "../../budget.ts";
import { epochSeconds, NOT_NEEDED } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import type { Extension } from "../../extensions/extension.ts";
import { HookUnavailable } from "../../extensions/hook_client.ts";
import type { BackoffLimits } from "../../kube/backoff.ts";
import { logger } from "../../log.ts";
import type { MachineSnapshot } from "../../machine/snapshot.ts";
import { type MachineEvent, makeNotified, readNotified, writeNotified } from "../../workdir/notified.ts";
import { readMachine } from "../../workdir/snapshot.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Backlog } from "../loop.ts";
import { backoffMs } from "../work/backoff.ts";
import { Complaints } from "../work/complaints.ts";
import { decideNews, type MachineNews } from "./decide.ts";

/** Events in one call at most (source: `docs/extensions.md`, "notify"). */
const MOST_EVENTS = 100;

/** Machines that are kept in mind for an extension that does not answer (source: `docs/extensions.md`, "notify"). */
const MOST_PENDING = 100_000;

/** How often, in milliseconds, it is tried again to tell it. */
const AGAIN: BackoffLimits = { firstMs: 1_000, longestMs: 60_000 };

/** The version of the documents that are posted. */
const VERSION = 1;

const log = logger("notify");

/** One event as it is posted. `at` is when we noted it, in seconds since the epoch. */
interface PostedEvent extends MachineNews {
  machine: string;
  at: number;
}

/** Tells one extension what has happened to machines: one call at a time, the same again until it was answered. */
export class Teller {
  /** As it is registered now. */
  extension: Extension;
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  /** Machines of which there may be something to tell, the one that has waited longest first. */
  readonly #pending = new Set<string>();
  readonly #end = new AbortController();
  readonly #complaints: Complaints;
  /** What is to be answered before anything else is told. */
  #events: PostedEvent[] = [];
  #failures = 0;
  #notBeforeMs = -Infinity;
  #underWay: Promise<void> | undefined;
  #dropped = 0;
  #isDropping = false;

  /** @param options `wake` is called when it is to be started again at `nextMs` */
  constructor(dependencies: Dependencies, options: { extension: Extension; wake: () => void }) {
    const { extension, wake } = options;
    this.extension = extension;
    this.#dependencies = dependencies;
    this.#wake = wake;
    dependencies.stopping.addEventListener("abort", this.end, { once: true });
    if (dependencies.stopping.aborted) this.end();
    this.#complaints = new Complaints((what, error) =>
      log.warn("Extension cannot be told what happens", { extension: extension.name, what, error })
    );
  }

  /** How many machines there may be something to tell of. */
  get pending(): number {
    return this.#pending.size;
  }

  get backlog(): Backlog {
    const all = this.#pending.size + this.#events.length;
    return { all, failed: this.#failures > 0 ? all : 0 };
  }

  /** How many machines were not kept in mind because there were too many: a full pass finds what is to be told of them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** When it is to be started again, on the monotonic clock; infinity if there is nothing to tell, or that is under way. */
  get nextMs(): number {
    return this.#underWay || !this.#hasNews ? Infinity : this.#notBeforeMs;
  }

  /** Something may have happened to a machine. */
  add(machine: string): void {
    this.#pending.add(machine);
    if (this.#pending.size <= MOST_PENDING) return;
    const [oldest = ""] = this.#pending;
    this.#pending.delete(oldest);
    this.#dropped++;
    if (this.#isDropping) return;
    this.#isDropping = true;
    const { name: extension } = this.extension;
    log.warn("Too much to tell an extension: the oldest is left to a later look at all machines", { extension });
  }

  /** Looks whether there is anything to tell of a machine, if there is room to remember that. */
  look(machine: MachineSnapshot): void {
    if (this.#pending.size < MOST_PENDING && this.#newsOf(machine).length > 0) this.#pending.add(machine.name);
  }

  /** Tells what there is to tell, unless that is under way or has to wait. */
  start(): void {
    const { clock } = this.#dependencies;
    if (this.#underWay || this.#end.signal.aborted || !this.#hasNews || clock.monotonic() < this.#notBeforeMs) return;
    this.#underWay = this.#tellAll().finally(() => this.#underWay = undefined);
  }

  /** Tells nothing more. */
  readonly end = (): void => {
    this.#dependencies.stopping.removeEventListener("abort", this.end);
    this.#end.abort(NOT_NEEDED);
  };

  /** Resolves once nothing is under way. */
  async drained(): Promise<void> {
    await this.#underWay;
  }

  get #hasNews(): boolean {
    return this.#pending.size > 0 || this.#events.length > 0;
  }

  async #tellAll(): Promise<void> {
    try {
      while (!this.#end.signal.aborted) {
        if (this.#events.length === 0) this.#events = await this.#nextEvents();
        if (this.#events.length === 0) return;
        await this.#post(this.#events);
        this.#note(this.#events);
        this.#events = [];
        this.#failures = 0;
        this.#isDropping = false;
        this.#complaints.clear();
      }
    } catch (error) {
      if (this.#end.signal.aborted) return;
      const { clock, random } = this.#dependencies;
      const askedMs = error instanceof HookUnavailable ? error.waitMs : 0;
      this.#notBeforeMs = clock.monotonic() + Math.max(askedMs, backoffMs(++this.#failures, random, AGAIN));
      this.#complaints.note("hook", error);
      this.#wake();
    }
  }

  async #nextEvents(): Promise<PostedEvent[]> {
    const { clock, workdir, returns } = this.#dependencies;
    const events: PostedEvent[] = [];
    const budget = new Budget(clock);
    const isReturned = (machine: string) => returns.has(machine);
    for (const machine of this.#pending) {
      if (budget.isSpent) await budget.breathe();
      const news = this.#newsOf(readMachine(workdir, machine, { isReturned }));
      if (events.length + news.length > MOST_EVENTS) break;
      this.#pending.delete(machine);
      const at = epochSeconds(clock.now());
      for (const { event, uid, reason } of news) events.push({ machine, event, uid, at, reason });
    }
    return events;
  }

  /** Nothing of a machine that cannot be read now: a full pass finds it again. */
  #newsOf(machine: MachineSnapshot): MachineNews[] {
    try {
      return decideNews(machine, readNotified(this.#dependencies.workdir, this.extension.name, machine.name));
    } catch (error) {
      this.#complaints.note(machine.name, error);
      return [];
    }
  }

  async #post(events: PostedEvent[]): Promise<void> {
    const { hooks, instance } = this.#dependencies;
    const { name } = this.extension;
    const document = { version: VERSION, hook: "notify", extension: name, instance, events };
    const { status } = await hooks.call(this.extension, { kind: "notify", document, signal: this.#end.signal });
    if (status < 200 || status > 299) throw new HookUnavailable(`Extension '${name}' answered ${status}, not 2xx`);
  }

  /** What cannot be noted is told again. */
  #note(events: PostedEvent[]): void {
    const { workdir } = this.#dependencies;
    const { name } = this.extension;
    const last = new Map<string, MachineEvent>();
    for (const { machine, event } of events) last.set(machine, event);
    try {
      makeNotified(workdir, name);
      for (const [machine, event] of last) writeNotified(workdir, name, { machine, event });
    } catch (error) {
      log.warn("What an extension was told cannot be noted", { extension: name, error: describeError(error) });
    }
  }
}
