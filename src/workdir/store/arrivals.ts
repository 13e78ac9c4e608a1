import { DirectoryChanges } from "./directory_changes.ts";
import type { Workdir } from "./workdir.ts";

/** The names that appear in a directory over time, each given once; looks again where the directory has changed, and once a minute. */
export class Arrivals {
  readonly #workdir: Workdir;
  readonly #directory: string;
  readonly #gone: (name: string) => void;
  #given = new Set<string>();
  readonly #changes: DirectoryChanges;

  /** @param options `gone` is told of each name that was given and is there no more: should it come back, it is given again */
  constructor(workdir: Workdir, directory: string, options: { gone?: (name: string) => void } = {}) {
    this.#workdir = workdir;
    this.#directory = directory;
    this.#gone = options.gone ?? (() => {});
    this.#changes = new DirectoryChanges(workdir, directory);
  }

  /** The names that are new since the last call. @param nowMs see `DirectoryChanges.look` */
  next(nowMs: number): string[] {
    if (this.#changes.look(nowMs) !== "changed") return [];
    const names = this.#workdir.names(this.#directory);
    const before = this.#given;
    this.#given = new Set(names);
    for (const name of before) if (!this.#given.has(name)) this.#gone(name);
    return before.size === 0 ? names : names.filter((name) => !before.has(name));
  }

  /** Gives the name again once anything in the directory has changed: what is there is nothing that can be used. */
  reconsider(name: string): void {
    this.#given.delete(name);
  }

  /** Gives the name again with the next call, as long as it is there. */
  forget(name: string): void {
    this.#given.delete(name);
    this.#changes.forget();
  }
}
