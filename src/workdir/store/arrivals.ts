import type { Workdir } from "./workdir.ts";

/** How long, in milliseconds, a change may hide behind a directory's modification time (file systems tick in up to 2 s). */
const TICK_MS = 2_000;

/** How often, in milliseconds, all is listed though nothing seems to have changed: what a file server says may be old. */
const LIST_EVERY_MS = 60_000;

/** The names that appear in a directory over time, each given once; looks again where the directory has changed, and once a minute. */
export class Arrivals {
  readonly #workdir: Workdir;
  readonly #directory: string;
  readonly #gone: (name: string) => void;
  readonly #given = new Set<string>();
  #modifiedMs = -1;
  /** When that was seen first, by the clock of our callers: a file server's may be another. */
  #changedMs = -Infinity;
  #isSettled = false;
  #listedMs = -Infinity;

  /** @param options `gone` is told of each name that was given and is there no more: should it come back, it is given again */
  constructor(workdir: Workdir, directory: string, options: { gone?: (name: string) => void } = {}) {
    this.#workdir = workdir;
    this.#directory = directory;
    this.#gone = options.gone ?? (() => {});
  }

  /** The names that are new since the last call. @param nowMs a clock, to tell a settled directory from a fresh one */
  next(nowMs: number): string[] {
    if (this.#workdir.kind(this.#directory) !== "directory") return [];
    const { modifiedMs } = this.#workdir.files.info(this.#directory);
    // What the directory said before the first look is judged by its own time: to list thousands of names again is dear.
    if (this.#changedMs === -Infinity) this.#changedMs = modifiedMs;
    else if (modifiedMs !== this.#modifiedMs) this.#changedMs = nowMs;
    else if (this.#isSettled && Math.abs(nowMs - this.#listedMs) < LIST_EVERY_MS) return [];
    this.#modifiedMs = modifiedMs;
    this.#isSettled = Math.abs(nowMs - this.#changedMs) > TICK_MS;
    this.#listedMs = nowMs;
    const present = new Set(this.#workdir.names(this.#directory));
    for (const name of this.#given) {
      if (present.has(name)) continue;
      this.#given.delete(name);
      this.#gone(name);
    }
    const names = [...present].filter((name) => !this.#given.has(name));
    for (const name of names) this.#given.add(name);
    return names;
  }

  /** Gives the name again once anything in the directory has changed: what is there is nothing that can be used. */
  reconsider(name: string): void {
    this.#given.delete(name);
  }

  /** Gives the name again with the next call, as long as it is there. */
  forget(name: string): void {
    this.#given.delete(name);
    this.#modifiedMs = -1;
  }
}
