import type { Clock } from "../../src/clock.ts";
import type { Files } from "../../src/files.ts";
import { Killed, type MemoryFiles } from "../support/memory_files.ts";
import type { SimulatedClock } from "../support/simulated_clock.ts";

/** What a process of the simulated host stands on, and what its end leaves behind. */
export interface ProcessOptions {
  name: string;
  clock: SimulatedClock;
  /** How far the host's wall clock is ahead, in milliseconds. */
  skewMs: () => number;
  /** The disk as it is now: after a power failure it is another. */
  disk: () => MemoryFiles;
  /** Called before each operation on a file or the network; may throw what the operation is to throw. */
  before: (who: Process, operation: string, path: string) => void;
  /** Called after each change of a file. */
  changed: (who: Process, path: string) => void;
  /** Whether a notice of a change gets lost. */
  loseNotice: () => boolean;
  /** How long a sync takes, in milliseconds. */
  syncMs: () => number;
}

/** A process that can be killed between any two of its operations, and then does nothing more: what it waits for never comes. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  readonly files: Files;
  readonly #options: ProcessOptions;
  readonly #onEnd = new Set<() => void>();
  /** What is to happen before an operation, by its number. */
  readonly #ambushes = new Map<number, () => void>();
  #operations = 0;
  #isDead = false;
  /** What it would have done since it was paused, in order; absent while it is not. */
  #late: (() => void)[] | undefined;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.#options = options;
    const { clock, skewMs } = options;
    this.clock = {
      now: () => clock.now() + skewMs(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
    this.files = this.#filesOf(options);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Lets something happen right before the n-th operation from now on, from 0. */
  ambush(n: number, act: () => void): void {
    this.#ambushes.set(this.#operations + n, act);
  }

  /** Stops it where it waits next, as SIGSTOP does: all goes on without it. */
  pause(): void {
    this.#late ??= [];
  }

  get isPaused(): boolean {
    return this.#late !== undefined;
  }

  /** Lets it go on. */
  resume(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const act of late) this.whenAwake(act);
  }

  /** Calls `act`, at once or as soon as the process is not paused. */
  whenAwake(act: () => void): void {
    if (this.#late) this.#late.push(act);
    else act();
  }

  /** Ends it, now. */
  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#late = undefined;
    for (const end of this.#onEnd) end();
    this.#onEnd.clear();
  }

  /** Calls `end` when the process ends. @returns how to take that back */
  onEnd(end: () => void): () => void {
    this.#onEnd.add(end);
    return () => void this.#onEnd.delete(end);
  }

  /** @throws Killed where the process is dead, or dies here */
  operation(name: string, path: string): void {
    if (this.#isDead) throw new Killed();
    const n = this.#operations++;
    const ambush = this.#ambushes.get(n);
    if (ambush) {
      this.#ambushes.delete(n);
      ambush();
    }
    if (this.#isDead) throw new Killed();
    this.#options.before(this, name, path);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isDead) return;
      if (signal?.aborted) return reject(signal.reason);
      const cancel = this.#options.clock.after(ms, () =>
        this.whenAwake(() => {
          over();
          resolve();
        }));
      const onAbort = () => {
        over();
        reject(signal?.reason);
      };
      const over = () => {
        cancel();
        this.#onEnd.delete(over);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#onEnd.add(over);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Resolves after the time that a sync takes. @throws Killed where the process dies before */
  #syncing(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(ms, () =>
        this.whenAwake(() => {
          forget();
          resolve();
        }));
      const forget = this.onEnd(() => {
        cancel();
        reject(new Killed());
      });
    });
  }

  #filesOf({ disk, changed, loseNotice, syncMs }: ProcessOptions): Files {
    const read = <T>(name: string, path: string, act: (files: MemoryFiles) => T): T => {
      this.operation(name, path);
      return act(disk());
    };
    const write = (name: string, path: string, act: (files: MemoryFiles) => void): void => {
      this.operation(name, path);
      act(disk());
      changed(this, path);
    };
    return {
      get user() {
        return disk().user;
      },
      as: (user, act) => disk().as(user, act),
      readText: (path, given) => read("readText", path, (files) => files.readText(path, given)),
      readLink: (path) => read("readLink", path, (files) => files.readLink(path)),
      list: (path) => read("list", path, (files) => files.list(path)),
      info: (path, given) => read("info", path, (files) => files.info(path, given)),
      sync: async (path) => {
        const done = read("sync", path, (files) => files.beginSync(path));
        if (syncMs() > 0) await this.#syncing(syncMs());
        done();
      },
      writeText: (path, text, given) => write("writeText", path, (files) => files.writeText(path, text, given)),
      appendText: (path, text) => write("appendText", path, (files) => files.appendText(path, text)),
      symlink: (target, path) => write("symlink", path, (files) => files.symlink(target, path)),
      hardLink: (existing, path) => write("hardLink", path, (files) => files.hardLink(existing, path)),
      rename: (from, to) => write("rename", to, (files) => files.rename(from, to)),
      remove: (path) => write("remove", path, (files) => files.remove(path)),
      removeTree: (path, given) => write("removeTree", path, (files) => files.removeTree(path, given)),
      makeDirectory: (path, given) => write("makeDirectory", path, (files) => files.makeDirectory(path, given)),
      watch: (directories, options) =>
        disk().watch(directories, {
          signal: options.signal,
          changed: (directory) => {
            if (!this.#isDead && !loseNotice()) options.changed(directory);
          },
        }),
    };
  }
}
