import { DatabaseSync } from "node:sqlite";
import { ExitCode, HostFactoryError } from "../../errors.ts";
import { describeHolder, readHolder } from "./lock_holder.ts";
import type { Workdir } from "./workdir.ts";

/** How to take a lock that no other process has until it is released or its holder dies. */
export interface Locks {
  /**
   * @param options `isFenced`: its holder does nothing any more, but may not be dead: it loses the lock
   * @returns how to release it
   * @throws HostFactoryError with exit code 3 that says who has it
   */
  take(workdir: Workdir, watcher: string, options?: { isFenced?: boolean }): () => void;
}

/**
 * Locks that die with the process that holds them, on local and network file systems: the write lock of an SQLite
 * database, which is a POSIX record lock (source: SQLite documentation, "File Locking And Concurrency").
 */
export const systemLocks: Locks = {
  take(workdir, watcher, { isFenced = false } = {}) {
    const path = workdir.layout.lock(watcher);
    // SQLite would follow a link, and make what it leads to.
    const kind = workdir.kind(path);
    if (kind !== undefined && kind !== "file") {
      throw new HostFactoryError(`Cannot open the lock '${path}': it is not a file`, { hint: "move it away" });
    }
    // Its holder keeps a lock on a file that has no name any more.
    if (isFenced) workdir.remove(path);
    const database = open(workdir, path, { isNew: isFenced || kind === undefined });
    try {
      database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (!/locked|busy/i.test(String(error))) throw cannotOpen(path, error);
      throw new HostFactoryError(
        `Cannot watch ${watcher} in '${workdir.layout.root}': ${
          describeHolder(readHolder(workdir, watcher))
        } does so already`,
        { hint: "wait until that one has ended, or stop it first", exitCode: ExitCode.locked, cause: error },
      );
    }
    return () => database.close();
  },
};

/** SQLite would make the file for all to read. */
function open(workdir: Workdir, path: string, { isNew }: { isNew: boolean }): DatabaseSync {
  try {
    if (isNew) workdir.makeFile(path, "");
    return workdir.asOwner(() => new DatabaseSync(path));
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

function cannotOpen(path: string, error: unknown): HostFactoryError {
  const { message } = error as Error;
  return new HostFactoryError(`Cannot open the lock '${path}': ${message}`, {
    cause: error,
    hint: /not a database/.test(message) ? "move it away" : "make the work directory writable for this user",
  });
}
