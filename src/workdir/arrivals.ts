import type { Workdir } from "./workdir.ts";

/** How long, in milliseconds, a change may hide behind a directory's modification time (file systems tick in up to 2 s). */
const TICK_MS = 2_000;

/** The names that appear in a directory over time, each given once; looks again only where the directory has changed. */
export class Arrivals {
  readonly #workdir: Workdir;
  readonly #directory: string;
  readonly #given = new Set<string>();
  #modifiedMs = -1;

  constructor(workdir: Workdir, directory: string) {
    this.#workdir = workdir;
    this.#directory = directory;
  }

  /** The names that are new since the last call. @param nowMs the wall clock, to tell a settled directory from a fresh one */
  next(nowMs: number): string[] {
    if (this.#workdir.kind(this.#directory) !== "directory") return [];
    const { modifiedMs } = this.#workdir.files.info(this.#directory);
    if (modifiedMs === this.#modifiedMs) return [];
    const names = this.#workdir.names(this.#directory).filter((name) => !this.#given.has(name));
    for (const name of names) this.#given.add(name);
    this.#modifiedMs = Math.abs(nowMs - modifiedMs) > TICK_MS ? modifiedMs : -1;
    return names;
  }

  /** Gives the name again with the next call, as long as it is there. */
  forget(name: string): void {
    this.#given.delete(name);
    this.#modifiedMs = -1;
  }
}
