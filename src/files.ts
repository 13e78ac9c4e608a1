// This file is long: it holds one interface to the file system with its only real implementation, and both are read together.
import process from "node:process";

/** A user with a group, by their numbers. */
export interface User {
  uid: number;
  gid: number;
}

/** What a directory entry or a path is, its own self: symbolic links are not followed. */
export interface FileInfo {
  kind: "file" | "directory" | "symlink" | "other";
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modifiedMs: number;
  /** How many names it has. */
  links: number;
  /** Its number on its file system: a copy has another. */
  inode: number;
  /** Absent on systems without users. */
  owner?: User;
  /** Who may read, write and search it, as `chmod` has it, such as 0o755. */
  mode: number;
}

/** How a file is read. */
export interface ReadOptions {
  /** A larger file is refused: 16 MiB unless told otherwise, more than anything that we or the cluster write. */
  mostBytes?: number;
  /** Whether a link in the file's place is followed (the default) or refused. Links on the way to it always are. */
  followLinks?: boolean;
}

/** Who may do what with a file or directory that is made. */
export interface MakeOptions {
  /** As `chmod` has it; a file that exists gets it, too, a directory does not. Absent: as the umask of the process says. */
  mode?: number | undefined;
}

/** How a file is written. */
export interface WriteOptions extends MakeOptions {
  /**
   * Writes over what a file that exists holds, and cuts the rest off, instead of emptying it first (false): file systems take
   * care that a file that was emptied is written at once, which takes many times as long. For files that no one reads yet.
   */
  overwrites?: boolean;
}

/** How a tree is removed. */
export interface RemoveTreeOptions {
  /** Whether the directory that the tree is in may be a link itself (false). Links inside the tree are never followed. */
  followLinks?: boolean;
  /** The user whose permissions are to be enough for it; see `Files.as`. */
  as?: User;
}

const MOST_BYTES = 16 * 1024 * 1024;

/** A name in a directory and what it is. */
export interface DirectoryEntry {
  name: string;
  kind: FileInfo["kind"];
}

/**
 * The files of one machine. All calls but `sync` are synchronous (ten times faster than asynchronous ones on small files);
 * all throw the classes of `Deno.errors`: `NotFound`, `AlreadyExists`, `PermissionDenied`, and so on.
 */
export interface Files {
  /** Whom this process runs as; absent on systems without users. */
  readonly user: User | undefined;
  /**
   * Calls `act`, which must not wait, with the permissions of another user, whose is then also what it makes. It costs as
   * much as many calls; within, the same user costs nothing.
   * @throws `PermissionDenied` if this process is not root, or must not do this
   */
  as<T>(user: User, act: () => T): T;
  /**
   * The text of a file, without a byte order mark. What is no file is refused before it is opened, for to open a pipe may take for ever.
   * @throws besides errors of the system one with the code `EFTYPE` (not a file) or `EFBIG` (too large)
   */
  readText(path: string, options?: ReadOptions): string;
  /** Replaces what is there or makes a new file. Not atomic: see `Workdir.write`. */
  writeText(path: string, text: string, options?: WriteOptions): void;
  appendText(path: string, text: string): void;
  symlink(target: string, path: string): void;
  /** Gives what is at `existing`, a file or a link itself, another name. Not every file system can. */
  hardLink(existing: string, path: string): void;
  readLink(path: string): string;
  /** Replaces a file or link at `to`; fails where `to` is a directory that is not empty. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /**
   * Removes a file, link or directory with all that is in it. No user who puts links on the way to it, at any moment, can lead
   * the removal elsewhere; if there is no /proc, only links inside the tree are safe.
   * @throws besides errors of the system one with the code `ELOOP` where the directory that it is in is a link
   */
  removeTree(path: string, options?: RemoveTreeOptions): void;
  /** Makes the directory, and those that are missing on the way to it. One that exists is no error. */
  makeDirectory(path: string, options?: MakeOptions): void;
  list(path: string): DirectoryEntry[];
  info(path: string, options?: { followLinks?: boolean }): FileInfo;
  /**
   * Makes what a file or directory holds at the moment of the call survive a power failure, once it resolves. On a network
   * file system that takes tens of milliseconds, in which everything else goes on.
   */
  sync(path: string): Promise<void>;
  /**
   * Calls `changed` some time after something changed in one of `directories`, until `signal` aborts. A hint, never a
   * source: changes may go unnoticed (network file systems, overflows), and a directory may not be watchable at all.
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
    // Elsewhere the call follows links (POSIX leaves it open).
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

/** Whom this process runs as, once that was asked for: it stays the same, whoever it acts as. */
let runningAs: User | undefined;

function realUser(): User | undefined {
  const [uid, gid] = [Deno.uid(), Deno.gid()];
  return uid === null || gid === null ? undefined : { uid, gid };
}

/** Whom this process acts as, if that is not whom it runs as. */
let acting: User | undefined;

/** The effective user and group are those of all threads; no other one than ours opens what only some may open. */
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

/** @param user absent: whom this process runs as */
function become(user: User | undefined): void {
  const self = systemFiles.user;
  if (!self) throw new Deno.errors.NotSupported("Cannot act as another user: this system has none");
  // Only root may change its group, and become whom it likes.
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

/** Leads to the directory that is the current one, whatever its names lead to by now (source: proc(5)). */
const CURRENT_DIRECTORY = "/proc/self/cwd";

/**
 * Calls `act`, which must not wait, with a path that leads to this directory and no other, whoever replaces it or what is on
 * the way to it meanwhile. Until then it is the process's current directory.
 * Where there is no /proc, the path is no more than the directory's name.
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

/** The current directory's path; the top if it has been removed. */
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

/** Where a process was started that has another user by now, it may not be able to go again: then all directories are alike. */
function leaveTo(directory: string): void {
  try {
    Deno.chdir(directory);
  } catch {
    Deno.chdir("/");
  }
}

/** @throws if this must not be opened; a directory says for itself what it is */
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

/** Editors of Windows put a mark before a text that JSON does not know. */
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
 * Deno's watcher opens whatever has changed. A pipe that no one writes to holds it up for ever, and all of us as soon as
 * another directory is to be watched; one that is held open at both ends does not. It stays open, for closing it is a change.
 */
function holdPipe(path: string, inode: number | null): void {
  if (heldPipes.has(inode) || heldPipes.size >= MOST_HELD_PIPES) return;
  try {
    heldPipes.set(inode, Deno.openSync(path, { read: true, write: true }));
  } catch {
    // Gone by now, or not ours to open: then the watcher has been refused, too.
  }
}

/** Follows one directory, not what lies below it; if it cannot be watched, the periodic scans have to do. */
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
    // No inotify here (a network file system, no watches left), or no longer: the caller scans on a period anyway.
  }
}

/** The path by which this program was called: of a link, the link's own. */
export function calledPath(): string {
  return process.argv0;
}

/**
 * True if a path, or a directory on the way to it, does not exist. A link that leads nowhere counts as such: Deno calls
 * it a loop where its permissions are not unlimited.
 */
export function isNotFound(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  return error instanceof NotFound || error instanceof NotADirectory || error instanceof FilesystemLoop;
}

/** What is read there; nothing if it does not exist: see `isNotFound`. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * True if something of another kind is in the path's own place: a directory where a file or link belongs, or the other
 * way round, or a file that is too large. That is the trouble of one path, unlike a full disk, and waiting does not cure it.
 */
export function isMisplaced(error: unknown): boolean {
  return ["EISDIR", "ENOTDIR", "ENOTEMPTY", "ELOOP", "EINVAL", "EFTYPE", "EFBIG"].includes(codeOf(error));
}

/** True for the trouble of a whole file system or process, which no path is to blame for; `ENOTOWNER` is of `Fence`. */
export function isSharedTrouble(error: unknown): boolean {
  const codes = ["ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "ENOTOWNER"];
  return codes.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
