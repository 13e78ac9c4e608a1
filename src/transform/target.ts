import { HostFactoryError } from "../errors.ts";
import { REVISION, type Table } from "./tables.ts";
import type { Row } from "./transformation.ts";

/** What a run covers. Two runs are the same one if all of this is equal, except `region`. */
export interface RunMetadata {
  cluster: string;
  platform: string;
  region: string;
  namespace: string;
  /** `2026-11-21 16:13:00`. */
  date: string;
}

/** A database that rows are written into, in one transaction: until `commit`, others see nothing of it. */
export interface Target {
  /**
   * Begins the transaction, creates missing tables, and makes other runs wait.
   * @throws HostFactoryError if the tables are those of another version
   */
  begin(): Promise<void>;
  /** Removes the rows of an earlier run with the same metadata. @returns the number of the run */
  beginRun(metadata: RunMetadata): Promise<number>;
  /** Adds rows, except those that would violate a unique key. @returns how many were added */
  insert(table: Table, rows: Iterable<Row>, options: { runId: number }): Promise<number>;
  commit(): Promise<void>;
  /** Closes the connection; what was not committed is lost. */
  close(): Promise<void>;
}

/** @throws HostFactoryError if the tables are those of another version of the legacy plug-in */
export function checkRevision(revision: unknown): void {
  if (revision === undefined || revision === REVISION) return;
  throw new HostFactoryError(`Cannot add to the tables of this database: their revision is '${revision}'`, {
    hint: `give another database, or one whose revision is ${REVISION}`,
  });
}
