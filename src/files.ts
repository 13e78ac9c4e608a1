// This file is long: it holds one interface to the file system with its only real implementation, and both are read
// together.
import process from "node:process";

/** A user with a group, by their numbers. */
export interface User {
  uid: number;
  gid: number;
}

/** What is at a path. Unless a call says otherwise it is the entry itself: a symbolic link is not followed. */
export interface FileInfo {
  kind: "file" | "directory" | "symlink" | "other";
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modifiedMs: number;
  /** How many names (hard links) it has. */
  links: number;
  /** Its number on its file system: a copy has another one. */
  inode: number;
  /** Absent on systems without users. */
  owner?: User;
  /** The permission bits, such as 0o755. */
  mode: number;
}

/** How a file is read. */
export interface ReadOptions {
  /** A larger file is refused. Default: 16 MiB, which is more than anything that we or the cluster write. */
  mostBytes?: number;
  /**
   * Whether a link in the file's place is followed (the default) or refused. Links in the path before it are always
   * followed.
   */
  followLinks?: boolean;
}

/** Who may do what with a file or directory that is made. */
export interface MakeOptions {
  /**
   * Permission bits. An existing file gets them, too; an existing directory does not. Absent: what the umask allows.
   */
  mode?: number | undefined;
}

/** How a file is written. */
export interface WriteOptions extends MakeOptions {
  /**
   * Overwrites an existing file in place and then cuts off the rest, instead of emptying it first (false). File systems
   * write a file that was emptied to disk at once, which takes many times as long. Only for files that no one reads
   * yet.
   */
  overwrites?: boolean;
}

/** How a tree is removed. */
export interface RemoveTreeOptions {
  /**
   * Whether the directory that the tree is in may be a link itself (false). Links inside the tree are never followed.
   */
  followLinks?: boolean;
  /** The user whose permissions are used; see `Files.as`. Default: those of this process. */
  as?: User;
}

const MOST_BYTES = 16 * 1024 * 1024;

/** A name in a directory and what it is. */
export interface DirectoryEntry {
  name: string;
  kind: FileInfo["kind"];
}

/**
 * The files of one machine. All calls but `sync` are synchronous (ten times faster than asynchronous ones on small
 * files); all throw the classes of `Deno.errors`: `NotFound`, `AlreadyExists`, `PermissionDenied`, and so on.
 */
export interface Files {
  /** The user that this process runs as; absent on systems without users. */
  readonly user: User | undefined;
  /**
   * Calls `act`, which must be synchronous, with the permissions of another user, who also owns what it makes.
   * Switching costs as much as many file operations; a nested call for the same user costs nothing.
   * @throws `PermissionDenied` if this process is not root, or must not do this
   */
  as<T>(user: User, act: () => T): T;
  /**
   * The text of a file, without a byte order mark. What is not a file is refused before it is opened, because opening a
   * pipe may block for ever.
   * @throws the system's errors, and Error with the code `EFTYPE` (not a file) or `EFBIG` (too large)
   */
  readText(path: string, options?: ReadOptions): string;
  /** Replaces the content of a file, or makes a new one. Not atomic: see `Workdir.write`. */
  writeText(path: string, text: string, options?: WriteOptions): void;
  appendText(path: string, text: string): void;
  symlink(target: string, path: string): void;
  /** Gives a file, or a symbolic link itself, a second name. Not every file system can do that. */
  hardLink(existing: string, path: string): void;
  readLink(path: string): string;
  /** Replaces a file or link at `to`; fails if `to` is a directory that is not empty. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /**
   * Removes a file, a link, or a directory with everything in it. A user who replaces parts of the path by links, at
   * any moment, cannot redirect the removal; without /proc, that is guaranteed only for links inside the tree.
   * @throws the system's errors, and Error with the code `ELOOP` if the directory that contains it is a link
   */
  removeTree(path: string, options?: RemoveTreeOptions): void;
  /** Makes the directory and its missing parents. It is no error if it exists. */
  makeDirectory(path: string, options?: MakeOptions): void;
  list(path: string): DirectoryEntry[];
  info(path: string, options?: { followLinks?: boolean }): FileInfo;
  /**
   * Syncs a file or directory: once this resolves, its content at the time of the call survives a power failure. On a
   * network file system that takes tens of milliseconds, during which everything else goes on.
   */
  sync(path: string): Promise<void>;
  /**
   * Calls `changed` some time after something changed in one of `directories`, until `signal` aborts. This is only a
   * hint: changes may go unnoticed (network file systems, overflows), and some directories cannot be watched at all.
   */
  watch(directories: string[], options: { signal: AbortSignal; changed: (directory: string) => void }): void;
}

/** The files of the machine we run on. */
export const systemFiles: Files = {
  get user() {
    return runningAs ??= realUser();
  },
  as: actAs,
  readText(path, { mostBytes, followLinks = true } = {}) {
    refuseUnreadable(path, systemInfo(path, followLinks), mostBytes);
    return withoutMark(Deno.readTextFileSync(path));
  },
  writeText(path, text, { mode, overwrites = false } = {}) {
    const options = mode === undefined ? {} : { mode };
    if (!overwrites) return Deno.writeTextFileSync(path, text, options);
    const bytes = new TextEncoder().encode(text);
    using file = Deno.openSync(path, { write: true, create: true, ...options });
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    file.truncateSync(bytes.length);
    if (mode !== undefined) Deno.chmodSync(path, mode);
  },
  appendText: (path, text) => Deno.writeTextFileSync(path, text, { append: true }),
  symlink: (target, path) => Deno.symlinkSync(target, path),
  hardLink(existing, path) {
    // On other systems the call follows symbolic links (POSIX allows either).
    if (Deno.build.os !== "linux") throw new Deno.errors.NotSupported(`Cannot give '${existing}' another name`);
    Deno.linkSync(existing, path);
  },
  readLink: (path) => Deno.readLinkSync(path),
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path),
  removeTree(path, { followLinks = false, as } = {}) {
    const slash = path.lastIndexOf("/");
    inDirectory(path.slice(0, slash) || "/", (here) => {
      const remove = () => Deno.removeSync(`${here}${path.slice(slash)}`, { recursive: true });
      if (as) actAs(as, remove);
      else remove();
    }, { followLinks });
  },
  makeDirectory: (path, { mode } = {}) =>
    Deno.mkdirSync(path, { recursive: true, ...(mode === undefined ? {} : { mode }) }),
  list(path) {
    const entries: DirectoryEntry[] = [];
    for (const entry of Deno.readDirSync(path)) entries.push({ name: entry.name, kind: kindOf(entry) });
    return entries;
  },
  info: (path, { followLinks = false } = {}) => systemInfo(path, followLinks),
  async sync(path) {
    refuseUnreadable(path, systemInfo(path, true), Infinity);
    using file = Deno.openSync(path, { read: true });
    await file.sync();
  },
  watch(directories, { signal, changed }) {
    for (const directory of directories) void watchDirectory(directory, { signal, changed });
  },
};

function systemInfo(path: string, followLinks: boolean): FileInfo {
  const info = followLinks ? Deno.statSync(path) : Deno.lstatSync(path);
  if (info.isFifo && watched.has(path.slice(0, path.lastIndexOf("/")))) holdPipe(path, info.ino);
  return {
    kind: kindOf(info),
    size: info.size,
    modifiedMs: info.mtime?.getTime() ?? 0,
    links: info.nlink ?? 1,
    inode: info.ino ?? 0,
    ...(info.uid === null || info.gid === null ? {} : { owner: { uid: info.uid, gid: info.gid } }),
    mode: (info.mode ?? 0) & 0o777,
  };
}

/**
 * The user that this process runs as, determined at the first use. It does not change while the process acts as another
 * user.
 */
let runningAs: User | undefined;

function realUser(): User | undefined {
  const [uid, gid] = [Deno.uid(), Deno.gid()];
  return uid === null || gid === null ? undefined : { uid, gid };
}

/** The user that this process acts as, if it is not the one that it runs as. */
let acting: User | undefined;

/**
 * This changes the effective user and group of all threads; no other thread opens files that only some users may open.
 */
function actAs<T>(user: User, act: () => T): T {
  const before = acting;
  if (isSame(user, before ?? systemFiles.user)) return act();
  try {
    become(user);
    return act();
  } finally {
    become(before);
  }
}

/** @param user absent: the user that this process runs as */
function become(user: User | undefined): void {
  const self = systemFiles.user;
  if (!self) throw new Deno.errors.NotSupported("Cannot act as another user: this system has none");
  // Only root may change its group and become any user, so it becomes itself first.
  if (acting) process.seteuid?.(self.uid);
  acting = undefined;
  process.setegid?.(user?.gid ?? self.gid);
  if (!user || isSame(user, self)) return;
  process.seteuid?.(user.uid);
  acting = user;
}

function isSame(one: User, other: User | undefined): boolean {
  return one.uid === other?.uid && one.gid === other.gid;
}

/** Always leads to the current directory itself, even if its path now leads elsewhere (source: proc(5)). */
const CURRENT_DIRECTORY = "/proc/self/cwd";

/**
 * Calls `act`, which must be synchronous, with a path that leads to this directory and no other, even if someone
 * replaces it or a part of its path meanwhile: during the call it is the process's current directory. Without /proc,
 * the path is only the directory's own, and has no such guarantee.
 * @throws Error with the code `ELOOP` if the directory is a link, or is being replaced
 */
export function inDirectory<T>(
  directory: string,
  act: (here: string) => T,
  { followLinks = false }: { followLinks?: boolean } = {},
): T {
  if (!hasProc()) return act(directory);
  const there = followLinks ? Deno.statSync(directory) : Deno.lstatSync(directory);
  const back = whereWeAre();
  Deno.chdir(directory);
  try {
    const here = Deno.statSync(CURRENT_DIRECTORY);
    if (here.ino !== there.ino || here.dev !== there.dev) {
      throw Object.assign(new Error(`It is a symbolic link, or is being replaced: '${directory}'`), { code: "ELOOP" });
    }
    return act(CURRENT_DIRECTORY);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(CURRENT_DIRECTORY, directory);
    throw error;
  } finally {
    leaveTo(back);
  }
}

/** The path of the current directory; `/` if that has been removed. */
function whereWeAre(): string {
  try {
    return Deno.cwd();
  } catch {
    return "/";
  }
}

function hasProc(): boolean {
  try {
    Deno.statSync(CURRENT_DIRECTORY);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Goes back to a directory; to `/` if a process that has changed its user may not enter it any more. */
function leaveTo(directory: string): void {
  try {
    Deno.chdir(directory);
  } catch {
    Deno.chdir("/");
  }
}

/** @throws if this must not be opened; not for a directory, because reading it fails with a clear error anyway */
export function refuseUnreadable(
  path: string,
  { kind, size }: Pick<FileInfo, "kind" | "size">,
  mostBytes = MOST_BYTES,
): void {
  if (kind === "symlink" || kind === "other") {
    const what = kind === "symlink" ? "a symbolic link" : "a pipe, socket or device";
    throw Object.assign(new Error(`It is ${what}, not a file: '${path}'`), { code: "EFTYPE" });
  }
  if (kind === "file" && size > mostBytes) {
    const message = `It is ${size} bytes large, and at most ${mostBytes} are read: '${path}'`;
    throw Object.assign(new Error(message), { code: "EFBIG" });
  }
}

/** The text without its byte order mark, which Windows editors write and JSON does not allow. */
export function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function kindOf(entry: { isFile: boolean; isDirectory: boolean; isSymlink: boolean }): FileInfo["kind"] {
  if (entry.isSymlink) return "symlink";
  if (entry.isDirectory) return "directory";
  return entry.isFile ? "file" : "other";
}

const watched = new Set<string>();

/** Pipes in watched directories that are held open, by inode. */
const heldPipes = new Map<number | null, Deno.FsFile>();
const MOST_HELD_PIPES = 64;

/**
 * Deno's watcher opens whatever has changed. A pipe that no one writes to blocks it for ever, and the whole process as
 * soon as another directory is to be watched; a pipe that we hold open at both ends does not. It stays open, because
 * closing it would be another change.
 */
function holdPipe(path: string, inode: number | null): void {
  if (heldPipes.has(inode) || heldPipes.size >= MOST_HELD_PIPES) return;
  try {
    heldPipes.set(inode, Deno.openSync(path, { read: true, write: true }));
  } catch {
    // It is gone, or we may not open it; then the watcher may not either.
  }
}

/** Watches one directory, but not its subdirectories. If it cannot be watched, the periodic scans have to be enough. */
async function watchDirectory(
  directory: string,
  { signal, changed }: { signal: AbortSignal; changed: (directory: string) => void },
): Promise<void> {
  watched.add(directory);
  try {
    for (const entry of Deno.readDirSync(directory)) {
      if (kindOf(entry) === "other") systemInfo(`${directory}/${entry.name}`, false);
    }
    const watcher = Deno.watchFs(directory, { recursive: false });
    const close = () => watcher.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) return close();
    for await (const event of watcher) {
      if (event.kind !== "access") changed(directory);
    }
  } catch {
    // There is no inotify here (any more): a network file system, or no watches left. The caller scans periodically
    // anyway.
  }
}

/** The path by which this program was called; if that is a symbolic link, the path of the link. */
export function calledPath(): string {
  return process.argv0;
}

/**
 * True if a path, or a directory in it, does not exist. A symbolic link that leads nowhere counts as missing, too:
 * without unlimited permissions, Deno reports it as a loop.
 */
export function isNotFound(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  return error instanceof NotFound || error instanceof NotADirectory || error instanceof FilesystemLoop;
}

/** The result of `read`; `undefined` if what it reads does not exist, as `isNotFound` decides. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * True if the path leads to something of the wrong kind: a directory instead of a file or link, or the other way round,
 * or a file that is too large. Unlike a full disk, that concerns one path only, and waiting does not help.
 */
export function isMisplaced(error: unknown): boolean {
  return ["EISDIR", "ENOTDIR", "ENOTEMPTY", "ELOOP", "EINVAL", "EFTYPE", "EFBIG"].includes(codeOf(error));
}

/** True for a problem of the whole file system or process, and not of one path. `ENOTOWNER` comes from `Fence`. */
export function isSharedTrouble(error: unknown): boolean {
  const codes = ["ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "ENOTOWNER"];
  return codes.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
