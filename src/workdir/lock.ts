import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { logger } from "../log.ts";
import { readRecord } from "./record.ts";
import type { Workdir } from "./workdir.ts";

const HolderSchema = v.object({
  host: v.string(),
  pid: v.number(),
  command: v.string(),
  since: v.string(),
  /** When it was last there, where it says so. */
  seenAt: v.optional(v.string()),
});

const log = logger("lock");

/** Who holds a lock. */
export type LockHolder = v.InferOutput<typeof HolderSchema>;

/** How to take a lock that nobody else has until it is released or its holder dies. */
export interface Locks {
  /**
   * @returns how to release it
   * @throws HostFactoryError with exit code 3 that says who holds it
   */
  take(workdir: Workdir, watcher: string, holder: LockHolder): () => void;
}

/**
 * Locks that die with the process that holds them, on local and network file systems: the write lock of an SQLite
 * database, which is a POSIX record lock (source: SQLite documentation, "File Locking And Concurrency").
 */
export const systemLocks: Locks = {
  take(workdir, watcher, holder) {
    const path = workdir.layout.lock(watcher);
    // SQLite would follow a link, and make what it leads to.
    const kind = workdir.kind(path);
    if (kind !== undefined && kind !== "file") {
      throw new HostFactoryError(`Cannot open the lock '${path}': it is not a file`, { hint: "move it away" });
    }
    const database = open(workdir, path, { isNew: kind === undefined });
    try {
      database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (!/locked|busy/i.test(String(error))) throw cannotOpen(path, error);
      const other = readRecord(workdir, workdir.layout.lockHolder(watcher), HolderSchema);
      const who = other
        ? `'${other.command}', process ${other.pid} on ${other.host}, since ${other.since}`
        : "another process";
      throw new HostFactoryError(`Cannot watch ${watcher} in '${workdir.layout.root}': ${who} does so already`, {
        hint: "stop that one first, or give this one another --workdir",
        exitCode: ExitCode.locked,
        cause: error,
      });
    }
    try {
      noteHolder(workdir, watcher, holder);
    } catch (error) {
      log.warn("Who holds the lock cannot be written down", { watcher, error: describeError(error) });
    }
    return () => database.close();
  },
};

/** Writes down who holds a lock. @returns the note */
export function noteHolder(workdir: Workdir, watcher: string, holder: LockHolder): string {
  const text = `${JSON.stringify(holder)}\n`;
  workdir.write(workdir.layout.lockHolder(watcher), text);
  return text;
}

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
