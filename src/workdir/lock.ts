import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { ExitCode, HostFactoryError } from "../errors.ts";
import { readRecord } from "./record.ts";
import type { Workdir } from "./workdir.ts";

const HolderSchema = v.object({ host: v.string(), pid: v.number(), command: v.string(), since: v.string() });

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
    const database = open(workdir.layout.lock(watcher));
    try {
      database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (!/locked|busy/i.test(String(error))) throw error;
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
    workdir.write(workdir.layout.lockHolder(watcher), `${JSON.stringify(holder)}\n`);
    return () => database.close();
  },
};

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw new HostFactoryError(`Cannot open the lock '${path}': ${(error as Error).message}`, {
      cause: error,
      hint: "make the work directory writable for this user",
    });
  }
}
