/** What a directory entry or a path is, its own self: symbolic links are not followed. */
export interface FileInfo {
  kind: "file" | "directory" | "symlink" | "other";
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modifiedMs: number;
}

/** A name in a directory and what it is. */
export interface DirectoryEntry {
  name: string;
  kind: FileInfo["kind"];
}

/**
 * The files of one machine. All calls are synchronous (ten times faster than asynchronous ones on small files) and throw
 * the classes of `Deno.errors`: `NotFound`, `AlreadyExists`, `PermissionDenied`, and so on.
 */
export interface Files {
  readText(path: string): string;
  /** Replaces what is there or makes a new file. Not atomic: see `Workdir.write`. */
  writeText(path: string, text: string): void;
  appendText(path: string, text: string): void;
  symlink(target: string, path: string): void;
  /** Gives what is at `existing`, a file or a link itself, another name. Not every file system can. */
  hardLink(existing: string, path: string): void;
  readLink(path: string): string;
  /** Replaces a file or link at `to`; fails where `to` is a directory that is not empty. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  removeTree(path: string): void;
  makeDirectory(path: string): void;
  list(path: string): DirectoryEntry[];
  info(path: string): FileInfo;
  /** Makes what a file or directory holds survive a power failure. */
  sync(path: string): void;
  /**
   * Calls `changed` some time after something changed in one of `directories`, until `signal` aborts. A hint, never a
   * source: changes may go unnoticed (network file systems, overflows), and a directory may not be watchable at all.
   */
  watch(directories: string[], options: { signal: AbortSignal; changed: (directory: string) => void }): void;
}

/** The files of the machine we run on. */
export const systemFiles: Files = {
  readText: (path) => Deno.readTextFileSync(path),
  writeText: (path, text) => Deno.writeTextFileSync(path, text),
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
  removeTree: (path) => Deno.removeSync(path, { recursive: true }),
  makeDirectory: (path) => Deno.mkdirSync(path, { recursive: true }),
  list: (path) => Array.from(Deno.readDirSync(path), (entry) => ({ name: entry.name, kind: kindOf(entry) })),
  info(path) {
    const info = Deno.lstatSync(path);
    return { kind: kindOf(info), size: info.size, modifiedMs: info.mtime?.getTime() ?? 0 };
  },
  sync(path) {
    using file = Deno.openSync(path, { read: true });
    file.syncSync();
  },
  watch(directories, { signal, changed }) {
    for (const directory of directories) void watchDirectory(directory, { signal, changed });
  },
};

function kindOf(entry: { isFile: boolean; isDirectory: boolean; isSymlink: boolean }): FileInfo["kind"] {
  if (entry.isSymlink) return "symlink";
  if (entry.isDirectory) return "directory";
  return entry.isFile ? "file" : "other";
}

/** Follows one directory, not what lies below it; where it cannot be watched, the periodic scans have to do. */
async function watchDirectory(
  directory: string,
  { signal, changed }: { signal: AbortSignal; changed: (directory: string) => void },
): Promise<void> {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(directory, { recursive: false });
  } catch {
    return; // No inotify here (a network file system, no watches left): the caller scans on a period anyway.
  }
  const close = () => watcher.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) return close();
  for await (const event of watcher) {
    if (event.kind !== "access") changed(directory);
  }
}

/**
 * True where a path, or a directory on the way to it, does not exist. A link that leads nowhere counts as such: Deno calls
 * it a loop where its permissions are not unlimited.
 */
export function isNotFound(error: unknown): boolean {
  const { NotFound, NotADirectory, FilesystemLoop } = Deno.errors;
  return error instanceof NotFound || error instanceof NotADirectory || error instanceof FilesystemLoop;
}

/**
 * True where something of another kind is in the path's own place: a directory where a file or link belongs, or the other
 * way round. That is the trouble of one path, unlike a full disk, and waiting does not cure it.
 */
export function isMisplaced(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return ["EISDIR", "ENOTDIR", "ENOTEMPTY", "ELOOP", "EINVAL"].includes(String(code));
}
