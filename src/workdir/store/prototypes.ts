import { type Files, isNotFound } from "../../files.ts";
import type { Layout } from "./layout.ts";

/** The work directory, as far as prototypes need it. */
interface Entries {
  files: Files;
  layout: Layout;
  kind(path: string): "file" | "directory" | "symlink" | "other" | undefined;
  readLink(path: string): string | undefined;
  makeFile(path: string, text: string): void;
  replace(path: string, make: (at: string) => void): void;
  remove(path: string): void;
}

/**
 * One link for each state, and one empty file, that thousands of entries are further names of. A name is cheap
 * where a file or link of its own is not: file systems look for a free inode each time, for milliseconds where many were
 * freed lately. A file system without hard links, or at its limit of names for one file, gets entries of their own.
 */
export class Prototypes {
  readonly #workdir: Entries;
  /** Prototypes that this process has seen to be right. */
  readonly #checked = new Set<string>();

  constructor(workdir: Entries) {
    this.#workdir = workdir;
  }

  /** Makes `path`, if nothing is yet, a link to `state`. */
  link(state: string, path: string): void {
    const { files, layout } = this.#workdir;
    this.#alias(layout.prototype(`word-${state}`), path, {
      make: (at) => files.symlink(state, at),
      isRight: (at) => this.#workdir.readLink(at) === state,
    });
  }

  /** Makes `path`, if nothing is yet, an empty file. */
  empty(path: string): void {
    const { files, layout } = this.#workdir;
    this.#alias(layout.prototype("empty"), path, {
      make: (at) => this.#workdir.makeFile(at, ""),
      isRight: (at) => this.#workdir.kind(at) === "file" && files.info(at).size === 0,
    });
  }

  /** Has each looked at again before its next use: in the life of a daemon, anybody may get at it. */
  recheck(): void {
    this.#checked.clear();
  }

  #alias(
    prototype: string,
    path: string,
    { make, isRight }: { make: (at: string) => void; isRight: (at: string) => boolean },
  ): void {
    const { files } = this.#workdir;
    try {
      if (!this.#checked.has(prototype)) {
        if (!isRight(prototype)) this.#workdir.replace(prototype, make);
        this.#checked.add(prototype);
      }
      files.hardLink(prototype, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) throw error;
      // Gone, full of names, or not possible here at all: the entry gets its own, and the next one a new prototype.
      this.#checked.delete(prototype);
      if (!isNotFound(error)) this.#discard(prototype);
      make(path);
    }
  }

  #discard(prototype: string): void {
    try {
      this.#workdir.remove(prototype);
    } catch {
      // What cannot be removed is found wrong, or right, by the next one.
    }
  }
}
