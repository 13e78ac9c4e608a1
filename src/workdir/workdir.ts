import { HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import { integerBetween, type Random } from "../random.ts";
import { Layout } from "./layout.ts";

/** A work directory: its paths, its files, and how to change one so that a reader sees the old or the new, never a half. */
export class Workdir {
  readonly layout: Layout;
  readonly files: Files;
  readonly random: Random;
  readonly #tag: string;
  #counter = 0;

  constructor(root: string, options: { files: Files; random: Random }) {
    this.layout = new Layout(root);
    this.files = options.files;
    this.random = options.random;
    this.#tag = integerBetween(options.random, 0, 2 ** 40).toString(36);
  }

  /** Makes the directories that are missing, and makes them last. @throws HostFactoryError that says what to do */
  prepare(): void {
    const { root, directories } = this.layout;
    try {
      const isMissing = (path: string) => this.kind(path) === undefined;
      const toSync = isMissing(root) ? [root, `${root}/..`] : directories.some(isMissing) ? [root] : [];
      for (const directory of directories) this.files.makeDirectory(directory);
      for (const directory of toSync) this.files.sync(directory);
    } catch (error) {
      throw new HostFactoryError(`Cannot use the work directory '${this.layout.root}': ${(error as Error).message}`, {
        cause: error,
        hint: "make it writable for this user, or name another with --workdir",
      });
    }
  }

  /** A hidden name in `directory` that nobody else uses. */
  temporary(directory: string): string {
    return `${directory}/.new-${this.#tag}-${(this.#counter++).toString(36)}`;
  }

  /** Replaces a file whole. With `sync` its content survives a power failure; its name does once the directory is synced. */
  write(path: string, text: string, options: { sync?: boolean } = {}): void {
    const temporary = this.temporary(path.slice(0, path.lastIndexOf("/")));
    this.#replace(temporary, path, () => {
      this.files.writeText(temporary, text);
      if (options.sync) this.files.sync(temporary);
    });
  }

  /** Makes `path` a link to `target`, whatever it was before. */
  link(target: string, path: string): void {
    const temporary = this.temporary(path.slice(0, path.lastIndexOf("/")));
    this.#replace(temporary, path, () => this.files.symlink(target, temporary));
  }

  /**
   * Fills a directory with files or links that are all alike. Thousands of names are made much faster than thousands of
   * files, so all but the first are further names of the first where the file system allows it.
   * @param make makes one of them
   * @param options `names` are the paths; `unlessThere` leaves alone what exists already
   */
  makeAlike(paths: string[], make: (path: string) => void, options: { unlessThere?: boolean } = {}): void {
    let first: string | undefined;
    for (const path of paths) {
      try {
        if (first === undefined || !this.#alias(first, path)) make(path);
        first ??= path;
      } catch (error) {
        if (!options.unlessThere || !(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  /** @returns whether the file system could; it has a limit on names, or knows no hard links at all */
  #alias(existing: string, path: string): boolean {
    try {
      this.files.hardLink(existing, path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) throw error;
      return false;
    }
  }

  /** The file's text, or nothing where there is none. */
  readText(path: string): string | undefined {
    return this.#unlessMissing(() => this.files.readText(path));
  }

  /** The link's target, or nothing where there is none. */
  readLink(path: string): string | undefined {
    return this.#unlessMissing(() => this.files.readLink(path));
  }

  /** What `path` is, or nothing where nothing is there. */
  kind(path: string): "file" | "directory" | "symlink" | "other" | undefined {
    return this.#unlessMissing(() => this.files.info(path).kind);
  }

  /** The names in a directory that are not hidden, in no order; none where there is no directory. */
  names(directory: string): string[] {
    const entries = this.#unlessMissing(() => this.files.list(directory)) ?? [];
    return entries.map((entry) => entry.name).filter((name) => !name.startsWith("."));
  }

  /** Removes a file or link; one that is gone already is no error. */
  remove(path: string): void {
    this.#unlessMissing(() => this.files.remove(path));
  }

  #replace(temporary: string, path: string, make: () => void): void {
    try {
      make();
      this.files.rename(temporary, path);
    } catch (error) {
      try {
        this.remove(temporary);
      } catch {
        // The first error says what is wrong; the sweep of hidden files removes what stays behind.
      }
      throw error;
    }
  }

  #unlessMissing<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
