import { Budget } from "../../budget.ts";
import type { Extension } from "../../extensions/extension.ts";
import { withHook } from "../../extensions/extension.ts";
import { logger } from "../../log.ts";
import {
  notifiedExtensions,
  notifiedMachines,
  removeNotified,
  removeNotifiedExtension,
} from "../../workdir/notified.ts";
import { readMachine } from "../../workdir/snapshot.ts";
import type { Dependencies } from "../dependencies.ts";
import { type Backlog, type Loop, type Outcome, sumOf } from "../loop.ts";
import { Teller } from "./teller.ts";

/** How often, in milliseconds, all machines are looked at: what others wrote down, and what was missed, is found by that. */
const PASS_EVERY_MS = 120_000;

/** After a look at all machines none begins for this many times as long as it took. */
const REST_PER_PASS = 50;

const log = logger("notify");

/**
 * Tells the extensions with the hook `notify` what has happened to machines. What is to be told follows from what is known
 * of a machine and what the extension was told of it last, so that whatever is missed is told later. While there is no such
 * extension, nothing is looked at.
 */
export class NotifyWatcher implements Loop {
  readonly name = "notify";
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  readonly #tellers = new Map<string, Teller>();
  /** Of extensions that are not told anything any more, what may still be under way. */
  readonly #ended = new Set<Teller>();
  /** Extensions that have been told something and were not registered at the last look at all machines. */
  #unregistered: ReadonlySet<string> = new Set();
  /** When all machines are to be looked at, on the monotonic clock; infinity while nobody is, or was, told of them. */
  #passAtMs = Infinity;

  /** @param wake has to make `step` run again soon */
  constructor(dependencies: Dependencies, wake: () => void) {
    this.#dependencies = dependencies;
    this.#wake = wake;
    dependencies.registrations.follow(wake, dependencies.stopping);
  }

  /**
   * `untoldMachines`: of how many machines extensions are still to be told, as far as that is known; `droppedMachines`: how many
   * were too many to be kept in mind.
   */
  get counts(): { untoldMachines: number | undefined; droppedMachines: number | undefined } {
    let [untold, dropped] = [0, 0];
    for (const teller of this.#tellers.values()) {
      untold += teller.pending;
      dropped += teller.dropped;
    }
    return { untoldMachines: untold || undefined, droppedMachines: dropped || undefined };
  }

  /** Machines of which extensions are still to be told; all of an extension that did not answer are tried again. */
  readonly backlog = (): Backlog => sumOf([...this.#tellers.values()].map(({ backlog }) => backlog));

  /** Something was written down of these machines. */
  changed(machines: string[]): boolean {
    for (const teller of this.#tellers.values()) for (const machine of machines) teller.add(machine);
    return this.#tellers.size > 0 || withHook(this.#dependencies.registrations.registry, "notify").length > 0;
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, registrations } = this.#dependencies;
    this.#takeIn(withHook(registrations.registry, "notify"));
    if (this.#passAtMs === Infinity) return { kind: "done" };
    if (clock.monotonic() >= this.#passAtMs) await this.#lookAtAll(signal);
    this.#start();
    const times = [...this.#tellers.values()].map(({ nextMs }) => nextMs);
    return { kind: "again", atMs: Math.min(this.#passAtMs, ...times) };
  }

  /** Resolves once no extension is being told anything. */
  async drained(): Promise<void> {
    await Promise.all([...this.#tellers.values(), ...this.#ended].map((teller) => teller.drained()));
  }

  #takeIn(extensions: Extension[]): void {
    const names = new Set(extensions.map(({ name }) => name));
    for (const [name, teller] of this.#tellers) {
      if (names.has(name)) continue;
      teller.end();
      this.#tellers.delete(name);
      this.#ended.add(teller);
      void teller.drained().then(() => this.#ended.delete(teller));
    }
    for (const extension of extensions) {
      const teller = this.#tellers.get(extension.name);
      if (teller) teller.extension = extension;
      else this.#begin(extension);
    }
  }

  /** What has happened before it was there is told as well. */
  #begin(extension: Extension): void {
    this.#tellers.set(extension.name, new Teller(this.#dependencies, { extension, wake: this.#wake }));
    this.#passAtMs = -Infinity;
    log.info("Extension is told what happens to machines", { extension: extension.name });
  }

  #start(): void {
    for (const teller of this.#tellers.values()) teller.start();
  }

  async #lookAtAll(signal: AbortSignal): Promise<void> {
    const { clock, workdir, returns } = this.#dependencies;
    const beganMs = clock.monotonic();
    const budget = new Budget(clock);
    const tellers = [...this.#tellers.values()];
    const machines = new Set(tellers.length > 0 ? workdir.names(workdir.layout.podsStatus) : []);
    const isReturned = (machine: string) => returns.has(machine);
    for (const machine of machines) {
      if (signal.aborted) return;
      if (budget.isSpent) {
        this.#start();
        await budget.breathe();
      }
      const snapshot = readMachine(workdir, machine, { isReturned });
      for (const teller of tellers) teller.look(snapshot);
    }
    const isLeft = await this.#forget(machines, budget);
    const tookMs = clock.monotonic() - beganMs;
    this.#passAtMs = this.#tellers.size === 0 && !isLeft
      ? Infinity
      : clock.monotonic() + Math.max(PASS_EVERY_MS, REST_PER_PASS * tookMs);
  }

  /**
   * Removes notes on machines that are not known any more, and those for extensions that were not registered at the last look
   * either: who registers them may only have begun.
   * @returns true if something may be left to remove
   */
  async #forget(machines: ReadonlySet<string>, budget: Budget): Promise<boolean> {
    const { workdir, registrations: { registry } } = this.#dependencies;
    const isBlocked = (name: string) => registry.blocked.some(({ extension }) => extension.name === name);
    const unregistered = new Set<string>();
    for (const extension of notifiedExtensions(workdir)) {
      const isUnregistered = !this.#tellers.has(extension) && !isBlocked(extension);
      if (isUnregistered && !this.#unregistered.has(extension)) {
        unregistered.add(extension);
        continue;
      }
      for (const machine of notifiedMachines(workdir, extension)) {
        if (budget.isSpent) await budget.breathe();
        const isKnown = machines.has(machine) || workdir.kind(workdir.layout.podStatus(machine)) !== undefined;
        if (isUnregistered || !isKnown) removeNotified(workdir, extension, machine);
      }
      if (isUnregistered) removeNotifiedExtension(workdir, extension);
    }
    this.#unregistered = unregistered;
    return unregistered.size > 0;
  }
}
