import type { Workdir } from "./workdir.ts";

/** How long, in milliseconds, a change may hide behind a directory's modification time (file systems tick in up to 2 s). */
const TICK_MS = 2_000;

/** How often, in milliseconds, all is listed though nothing seems to have changed: what a file server says may be old. */
const LIST_EVERY_MS = 60_000;

/** Tells, by a directory's modification time, when it has to be listed again. */
export class DirectoryChanges {
  readonly #workdir: Workdir;
  readonly #directory: string;
  #modifiedMs = -1;
  /** When that was seen first, by the clock of our callers: a file server's may be another. */
  #changedMs = -Infinity;
  #isSettled = false;
  #listedMs = -Infinity;

  constructor(workdir: Workdir, directory: string) {
    this.#workdir = workdir;
    this.#directory = directory;
  }

  /**
   * To be called right before it is listed.
   * @param nowMs a clock, to tell a settled directory from a fresh one
   * @returns `unchanged` if a listing says nothing new, at least once a minute `changed`; `missing` if it is no directory
   */
  look(nowMs: number): "unchanged" | "changed" | "missing" {
    if (this.#workdir.kind(this.#directory) !== "directory") return "missing";
    const { modifiedMs } = this.#workdir.files.info(this.#directory);
    // What the directory said before the first look is judged by its own time: to list thousands of names again is dear.
    if (this.#changedMs === -Infinity) this.#changedMs = modifiedMs;
    else if (modifiedMs !== this.#modifiedMs) this.#changedMs = nowMs;
    else if (this.#isSettled && Math.abs(nowMs - this.#listedMs) < LIST_EVERY_MS) return "unchanged";
    this.#modifiedMs = modifiedMs;
    this.#isSettled = Math.abs(nowMs - this.#changedMs) > TICK_MS;
    this.#listedMs = nowMs;
    return "changed";
  }

  /** Has it listed again though nothing has changed. */
  forget(): void {
    this.#modifiedMs = -1;
  }
}
