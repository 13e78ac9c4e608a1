import { describeError, HostFactoryError } from "../../errors.ts";
import { type FileInfo, type Files, ifThere, type User, type WriteOptions } from "../../files.ts";
import { integerBetween, type Random } from "../../random.ts";
import { Quarantine } from "./quarantine.ts";
import { fencedFiles } from "./fenced_files.ts";
import { inParallel } from "./in_parallel.ts";
import { Layout } from "./layout.ts";
import { OwnerFiles } from "./owner_files.ts";
import { Prototypes } from "./prototypes.ts";
import { checkDirectory, checkOwner, distrust, mend } from "./trust.ts";

/** What we make is read and changed by its owner alone, unless the work directory is shared. */
const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/** A work directory: its paths, its files, and how to change one so that a reader sees the old or the new, never a half. */
export class Workdir {
  readonly layout: Layout;
  readonly random: Random;
  readonly prototypes: Prototypes;
  readonly broken = new Quarantine();
  /** As this process, and as the user that it has to be here. */
  readonly #ownFiles: Files;
  #files: Files;
  /** Every user who may write in it is trusted, and the umask says who may. */
  readonly isShared: boolean;
  readonly #tag: string;
  #counter = 0;
  #prepared: FileInfo | undefined;
  /** Settled once all that was given to `inTurn` has come to its end. */
  #turns: Promise<void> = Promise.resolve();

  constructor(root: string, options: { files: Files; random: Random; isShared?: boolean }) {
    this.layout = new Layout(root);
    this.#ownFiles = this.#files = options.files;
    this.random = options.random;
    this.isShared = options.isShared ?? false;
    this.prototypes = new Prototypes(this);
    this.#tag = integerBetween(options.random, 0, 2 ** 40).toString(36);
  }

  /** How the files here are read and changed: for root in the directory of another user, as that user. */
  get files(): Files {
    return this.#files;
  }

  /** Calls `act`, which must not wait, as whom `files` does its calls: many of these cost less together. */
  asOwner<T>(act: () => T): T {
    const { user } = this.#files;
    return user && this.#files !== this.#ownFiles ? this.#ownFiles.as(user, act) : act();
  }

  /** The same directory, every change of which is preceded by a check. @param check throws what the change is to throw instead */
  fenced(check: () => void): Workdir {
    const { random, isShared } = this;
    const fenced = new Workdir(this.layout.root, { files: fencedFiles(this.#ownFiles, check), random, isShared });
    fenced.#useAs(this.#files === this.#ownFiles ? undefined : this.#files.user);
    return fenced;
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
    const { root } = this.layout;
    const isNew = this.#rootInfo() === undefined;
    const missing = this.#check();
    try {
      const toSync = isNew ? [root, `${root}/..`] : missing.length > 0 ? [root] : [];
      // What leads to it is no secret.
      if (isNew) this.files.makeDirectory(root.slice(0, root.lastIndexOf("/")) || "/");
      for (const directory of missing) this.makeDirectory(directory);
      if (isNew) this.check(); // Somebody may have been quicker to make it.
      this.#prepared = this.#rootInfo();
      return async () => {
        try {
          await inParallel(toSync, (directory) => this.files.sync(directory));
        } catch (error) {
          throw this.#unusable(error);
        }
      };
    } catch (error) {
      throw error instanceof HostFactoryError ? error : this.#unusable(error);
    }
  }

  #unusable(error: unknown): HostFactoryError {
    return new HostFactoryError(`Cannot use the work directory '${this.layout.root}': ${(error as Error).message}`, {
      cause: error,
      hint: "make it writable for this user, or name another with --workdir",
    });
  }

  /**
   * Sees that the work directory is ours and no one else's, and that what has to be a directory is one, or is missing: a link
   * may lead anywhere. The work directory as a whole may be one. From then on it is used as the user whose it is.
   * @param options `reads`: nothing is to be changed in it; then it may also be root's
   * @throws HostFactoryError that names what is not as it has to be
   */
  check(options: { reads?: boolean } = {}): void {
    this.#check(options);
  }

  /** @returns the directories that have to be there, and are missing */
  #check({ reads = false } = {}): string[] {
    const { root, directories, lost } = this.layout;
    const info = this.#rootInfo();
    const options = { reads, isShared: this.isShared };
    this.#useAs(info?.owner && checkOwner(this.#ownFiles, root, { owner: info.owner, ...options }));
    if (info && info.kind !== "directory") {
      throw new HostFactoryError(`Cannot use the work directory '${root}': it is no directory`, {
        hint: "name a directory with --workdir or HF_K8S_WORKDIR",
      });
    }
    if (info) this.#checkTrust(root, info);
    const missing: string[] = [];
    for (const directory of [...directories, lost]) {
      const info = ifThere(() => this.files.info(directory));
      const isNeeded = directory !== lost;
      if (info?.kind === "directory") this.#checkTrust(directory, info);
      else if (isNeeded && !info) missing.push(directory);
      else if (isNeeded) {
        throw new HostFactoryError(`Cannot use the work directory '${root}': '${directory}' is no directory`, {
          hint: "move it away; to keep the work directory elsewhere, make a link of the whole",
        });
      }
    }
    return missing;
  }

  /**
   * Why what is at the path of a request is not to be acted upon, as a sentence; `undefined` if it is a directory that no one
   * can have changed who could not change the work directory, or is missing.
   */
  distrust(path: string): string | undefined {
    const info = ifThere(() => this.files.info(path));
    if (!info) return undefined;
    if (info.kind !== "directory") return "It is no directory";
    const reason = this.isShared ? undefined : distrust(info, this.#users);
    return reason && `It ${reason}: ${mend(path, { info, users: this.#users })}`;
  }

  /** Why the directory that was prepared is not whole, or not ours alone, any more; `undefined` if it is. */
  get whyLost(): string | undefined {
    const info = this.#rootInfo();
    if (!info || info.inode !== this.#prepared?.inode) return "It was removed or replaced";
    try {
      const [missing] = this.#check();
      if (info.owner?.uid !== this.#prepared.owner?.uid) return "It was given to another user";
      return missing && `'${missing}' was removed`;
    } catch (error) {
      if (error instanceof HostFactoryError) return describeError(error);
      throw error;
    }
  }

  /** The inode of the directory that was prepared: another may be in its place by now. */
  get preparedInode(): number | undefined {
    return this.#prepared?.inode;
  }

  /** What tells the directory from a copy of it, on whatever host; `undefined` if it is missing. */
  get inode(): number | undefined {
    return this.#rootInfo()?.inode;
  }

  #rootInfo(): FileInfo | undefined {
    return ifThere(() => this.#ownFiles.info(this.layout.root, { followLinks: true }));
  }

  /** @param user absent: as ourselves */
  #useAs(user: User | undefined): void {
    if (!user) this.#files = this.#ownFiles;
    else if (this.#files.user?.uid !== user.uid) this.#files = new OwnerFiles(this.#ownFiles, user);
  }

  #checkTrust(directory: string, info: FileInfo): void {
    if (!this.isShared) checkDirectory(this.layout.root, directory, { info, users: this.#users });
  }

  /** Whose directories are trusted, beside root's. */
  get #users(): User[] {
    const { user } = this.#files;
    return user ? [user] : [];
  }

  /** Makes a directory, and those on the way to it, which no one else gets into. */
  makeDirectory(path: string): void {
    this.files.makeDirectory(path, this.isShared ? {} : { mode: PRIVATE_DIRECTORY });
  }

  /** Writes a file in its place that no one else may read. Not atomic: see `write`. */
  makeFile(path: string, text: string, options: WriteOptions = {}): void {
    this.files.writeText(path, text, this.isShared ? options : { ...options, mode: PRIVATE_FILE });
  }

  /** A hidden name in `directory` that no one else uses. */
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
   * @param options `spare`: a file that no one needs and that is to become this one, as `retire` gives it
   */
  write(path: string, text: string, { spare }: { spare?: string | undefined } = {}): void {
    this.replace(path, (temporary) => {
      if (spare !== undefined) this.files.rename(spare, temporary);
      this.makeFile(temporary, text, { overwrites: spare !== undefined });
    });
  }

  /** As `write`, and the content survives a power failure; the name does once the directory is synced. */
  async writeDurably(path: string, text: string): Promise<void> {
    const temporary = this.#temporaryFor(path);
    try {
      this.makeFile(temporary, text);
      await this.files.sync(temporary);
      this.#putInPlace(temporary, path);
    } catch (error) {
      this.#abandon(temporary);
      throw error;
    }
  }

  /**
   * Hides a file, to become another: some file systems take long to free and find inodes. The caller removes it if unused.
   * @returns where it is hidden; `undefined` for a link, a file with another name, or another user's: these do not become one
   */
  retire(path: string): string | undefined {
    const info = ifThere(() => this.files.info(path));
    const isOurs = info?.owner?.uid === this.files.user?.uid;
    if (info?.kind !== "file" || info.links > 1 || !isOurs) return void this.remove(path);
    const hidden = this.#temporaryFor(path);
    return ifThere(() => {
      this.files.rename(path, hidden);
      return hidden;
    });
  }

  /** Makes `path` a link to a machine's state, whatever it was before. */
  link(state: string, path: string): void {
    this.asOwner(() => {
      // Renaming one name of a file onto another of its names would leave both.
      if (this.kind(path) === "symlink" && this.readLink(path) === state) return;
      this.prototypes.recheck();
      this.replace(path, (temporary) => this.prototypes.link(state, temporary));
    });
  }

  /** Makes `path` an empty file, whatever it was before. */
  empty(path: string): void {
    this.asOwner(() => {
      if (this.kind(path) === "file" && this.files.info(path).size === 0) return;
      this.prototypes.recheck();
      this.replace(path, (temporary) => this.prototypes.empty(temporary));
    });
  }

  /** Replaces what is at `path` by what `make` makes under another name. */
  replace(path: string, make: (temporary: string) => void): void {
    const temporary = this.#temporaryFor(path);
    try {
      this.asOwner(() => {
        make(temporary);
        this.#putInPlace(temporary, path);
      });
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

  /** The file's text, or `undefined` if there is no file; what is there in its place is noted as broken. */
  readText(path: string): string | undefined {
    try {
      return this.files.readText(path, { followLinks: false });
    } catch (error) {
      return this.broken.noteMisplaced(path, error);
    }
  }

  /** The link's target, or `undefined` if there is no link. */
  readLink(path: string): string | undefined {
    try {
      return this.files.readLink(path);
    } catch (error) {
      return this.broken.noteMisplaced(path, error);
    }
  }

  /** What `path` is, or `undefined` if nothing is there. */
  kind(path: string): "file" | "directory" | "symlink" | "other" | undefined {
    return ifThere(() => this.files.info(path).kind);
  }

  /** The names in a directory that are not hidden, in no order; none if there is no directory. */
  names(directory: string): string[] {
    const entries = ifThere(() => this.files.list(directory)) ?? [];
    const names: string[] = [];
    for (const { name } of entries) if (!name.startsWith(".")) names.push(name);
    return names;
  }

  /** As `names`, of the directories alone: what a link leads to is not ours. */
  directories(parent: string): string[] {
    const entries = ifThere(() => this.files.list(parent)) ?? [];
    return entries.filter(({ name, kind }) => kind === "directory" && !name.startsWith(".")).map(({ name }) => name);
  }

  /** Removes a file or link; one that is gone already is no error. */
  remove(path: string): void {
    ifThere(() => this.files.remove(path));
  }
}
