import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, isMisplaced, isNotFound } from "../files.ts";
import { integerBetween, type Random } from "../random.ts";
import { BrokenEntries } from "./broken_entries.ts";
import { inParallel } from "./in_parallel.ts";
import { Layout } from "./layout.ts";
import { Prototypes } from "./prototypes.ts";

/** A work directory: its paths, its files, and how to change one so that a reader sees the old or the new, never a half. */
export class Workdir {
  readonly layout: Layout;
  readonly files: Files;
  readonly random: Random;
  readonly prototypes: Prototypes;
  readonly broken = new BrokenEntries();
  readonly #tag: string;
  #counter = 0;
  #preparedInode: number | undefined;
  /** Settled once all that was given to `inTurn` has come to its end. */
  #turns: Promise<void> = Promise.resolve();

  constructor(root: string, options: { files: Files; random: Random }) {
    this.layout = new Layout(root);
    this.files = options.files;
    this.random = options.random;
    this.prototypes = new Prototypes(this);
    this.#tag = integerBetween(options.random, 0, 2 ** 40).toString(36);
  }

  /** Makes the directories that are missing, and makes them last. @throws HostFactoryError that says what to do */
  async prepare(): Promise<void> {
    const makeLast = this.makeDirectories();
    await makeLast();
  }

  /**
   * Makes the directories that are missing.
   * @returns makes them last
   * @throws HostFactoryError that says what to do, as does what is returned
   */
  makeDirectories(): () => Promise<void> {
    const { root, directories } = this.layout;
    this.check();
    try {
      const isMissing = (path: string) => this.kind(path) === undefined;
      const toSync = isMissing(root) ? [root, `${root}/..`] : directories.some(isMissing) ? [root] : [];
      for (const directory of directories) this.files.makeDirectory(directory);
      this.#preparedInode = this.inode;
      return async () => {
        try {
          await inParallel(toSync, (directory) => this.files.sync(directory));
        } catch (error) {
          throw this.#unusable(error);
        }
      };
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): HostFactoryError {
    return new HostFactoryError(`Cannot use the work directory '${this.layout.root}': ${(error as Error).message}`, {
      cause: error,
      hint: "make it writable for this user, or name another with --workdir",
    });
  }

  /**
   * Sees that what has to be a directory is one, or is missing: a link may lead anywhere. The work directory as a whole may
   * be one.
   * @throws HostFactoryError that names what is not
   */
  check(): void {
    for (const directory of this.layout.directories) {
      const kind = this.kind(directory);
      if (kind === undefined || kind === "directory") continue;
      throw new HostFactoryError(
        `Cannot use the work directory '${this.layout.root}': '${directory}' is no directory`,
        {
          hint: "move it away; to keep the work directory elsewhere, make a link of the whole",
        },
      );
    }
  }

  /** The inode of the directory that was prepared: another may be in its place by now. */
  get preparedInode(): number | undefined {
    return this.#preparedInode;
  }

  /** What tells the directory from a copy of it, on whatever host; nothing where it is missing. */
  get inode(): number | undefined {
    return this.#unlessMissing(() => this.files.info(this.layout.root, { followLinks: true }).inode);
  }

  /** A hidden name in `directory` that nobody else uses. */
  temporary(directory: string): string {
    return `${directory}/.new-${this.#tag}-${(this.#counter++).toString(36)}`;
  }

  /**
   * Calls `act` once everything that was given here before has come to its end: for changes that take several steps, and
   * of which no other of this process may see a half. What `act` waits for must not take a turn of its own.
   */
  inTurn<T>(act: () => T | Promise<T>): Promise<T> {
    const turn = this.#turns.then(act);
    this.#turns = turn.then(() => {}, () => {});
    return turn;
  }

  /**
   * Replaces a file whole.
   * @param options `spare`: a file that nobody needs and that is to become this one, as `retire` gives it
   */
  write(path: string, text: string, { spare }: { spare?: string | undefined } = {}): void {
    this.replace(path, (temporary) => {
      if (spare !== undefined) this.files.rename(spare, temporary);
      this.files.writeText(temporary, text);
    });
  }

  /** As `write`, and the content survives a power failure; the name does once the directory is synced. */
  async writeDurably(path: string, text: string): Promise<void> {
    const temporary = this.#temporaryFor(path);
    try {
      this.files.writeText(temporary, text);
      await this.files.sync(temporary);
      this.#putInPlace(temporary, path);
    } catch (error) {
      this.#abandon(temporary);
      throw error;
    }
  }

  /**
   * Removes a file by hiding it, to become another: to free one inode and find another takes longer than all the rest on
   * some file systems. The caller removes it where nothing becomes of it.
   * @returns where it is hidden; nothing where there is nothing to become another: what is a link, or has another name, leads
   * who writes to it elsewhere
   */
  retire(path: string): string | undefined {
    const info = this.#unlessMissing(() => this.files.info(path));
    if (info?.kind !== "file" || info.links > 1) return void this.remove(path);
    const hidden = this.#temporaryFor(path);
    return this.#unlessMissing(() => {
      this.files.rename(path, hidden);
      return hidden;
    });
  }

  /** Makes `path` a link to a status word, whatever it was before. */
  link(word: string, path: string): void {
    // Renaming one name of a file onto another of its names would leave both.
    if (this.kind(path) === "symlink" && this.readLink(path) === word) return;
    this.prototypes.recheck();
    this.replace(path, (temporary) => this.prototypes.link(word, temporary));
  }

  /** Makes `path` an empty file, whatever it was before. */
  empty(path: string): void {
    if (this.kind(path) === "file" && this.files.info(path).size === 0) return;
    this.prototypes.recheck();
    this.replace(path, (temporary) => this.prototypes.empty(temporary));
  }

  /** Replaces what is at `path` by what `make` makes under another name. */
  replace(path: string, make: (temporary: string) => void): void {
    const temporary = this.#temporaryFor(path);
    try {
      make(temporary);
      this.#putInPlace(temporary, path);
    } catch (error) {
      this.#abandon(temporary);
      throw error;
    }
  }

  #temporaryFor(path: string): string {
    return this.temporary(path.slice(0, path.lastIndexOf("/")));
  }

  #putInPlace(temporary: string, path: string): void {
    this.files.rename(temporary, path);
    this.broken.clear(path);
  }

  #abandon(temporary: string): void {
    try {
      this.remove(temporary);
    } catch {
      // The first error says what is wrong; the sweep of hidden files removes what stays behind.
    }
  }

  /** The file's text, or nothing where there is no file; what is there in its place is noted as broken. */
  readText(path: string): string | undefined {
    return this.#unlessMissing(() => this.files.readText(path, { followLinks: false }), { orMisplaced: path });
  }

  /** The link's target, or nothing where there is no link. */
  readLink(path: string): string | undefined {
    return this.#unlessMissing(() => this.files.readLink(path), { orMisplaced: path });
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

  /** As `names`, of the directories alone: what a link leads to is not ours. */
  directories(parent: string): string[] {
    const entries = this.#unlessMissing(() => this.files.list(parent)) ?? [];
    return entries.filter(({ name, kind }) => kind === "directory" && !name.startsWith(".")).map(({ name }) => name);
  }

  /** Removes a file or link; one that is gone already is no error. */
  remove(path: string): void {
    this.#unlessMissing(() => this.files.remove(path));
  }

  /** @param options `orMisplaced`: the path, where something else in its place counts as missing and is noted as broken */
  #unlessMissing<T>(read: () => T, options: { orMisplaced?: string } = {}): T | undefined {
    try {
      return read();
    } catch (error) {
      const { orMisplaced } = options;
      if (isNotFound(error)) return undefined;
      if (orMisplaced === undefined || !isMisplaced(error)) throw error;
      this.broken.note(orMisplaced, describeError(error));
      return undefined;
    }
  }
}
