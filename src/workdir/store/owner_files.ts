import type {
  DirectoryEntry,
  FileInfo,
  Files,
  MakeOptions,
  ReadOptions,
  RemoveTreeOptions,
  User,
  WriteOptions,
} from "../../files.ts";

/**
 * Files in a directory of another user, for a process of root: every call is made as that user. So whatever is made is the
 * user's, and no link that the user puts in our way leads where the user could not have gone alone.
 */
export class OwnerFiles implements Files {
  readonly #files: Files;
  readonly #owner: User;

  constructor(files: Files, owner: User) {
    this.#files = files;
    this.#owner = owner;
  }

  get user(): User {
    return this.#owner;
  }

  as<T>(user: User, act: () => T): T {
    return this.#files.as(user, act);
  }

  readText(path: string, options?: ReadOptions): string {
    return this.#asOwner(() => this.#files.readText(path, options));
  }

  writeText(path: string, text: string, options?: WriteOptions): void {
    this.#asOwner(() => this.#files.writeText(path, text, options));
  }

  appendText(path: string, text: string): void {
    this.#asOwner(() => this.#files.appendText(path, text));
  }

  symlink(target: string, path: string): void {
    this.#asOwner(() => this.#files.symlink(target, path));
  }

  hardLink(existing: string, path: string): void {
    this.#asOwner(() => this.#files.hardLink(existing, path));
  }

  readLink(path: string): string {
    return this.#asOwner(() => this.#files.readLink(path));
  }

  rename(from: string, to: string): void {
    this.#asOwner(() => this.#files.rename(from, to));
  }

  remove(path: string): void {
    this.#asOwner(() => this.#files.remove(path));
  }

  /** Not as a whole: the owner may not be able to go back to the directory that this process was started in. */
  removeTree(path: string, options?: RemoveTreeOptions): void {
    this.#files.removeTree(path, { ...options, as: this.#owner });
  }

  makeDirectory(path: string, options?: MakeOptions): void {
    this.#asOwner(() => this.#files.makeDirectory(path, options));
  }

  list(path: string): DirectoryEntry[] {
    return this.#asOwner(() => this.#files.list(path));
  }

  info(path: string, options?: { followLinks?: boolean }): FileInfo {
    return this.#asOwner(() => this.#files.info(path, options));
  }

  sync(path: string): Promise<void> {
    return this.#asOwner(() => this.#files.sync(path));
  }

  watch(directories: string[], options: Parameters<Files["watch"]>[1]): void {
    this.#asOwner(() => this.#files.watch(directories, options));
  }

  #asOwner<T>(act: () => T): T {
    return this.#files.as(this.#owner, act);
  }
}
