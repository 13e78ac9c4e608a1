import { HostFactoryError } from "../errors.ts";
import { REVISION, type Table } from "./tables.ts";
import type { Row } from "./transformation.ts";

/** What a run is of: with the same of all but `region` it is the same run. */
export interface RunMetadata {
  cluster: string;
  platform: string;
  region: string;
  namespace: string;
  /** `2026-11-21 16:13:00`. */
  date: string;
}

/** A database that rows are put into, in one transaction: until `commit`, nothing of it is there for others. */
export interface Target {
  /** Begins, makes the tables that are missing, and keeps other runs waiting. @throws HostFactoryError if others have made them */
  begin(): Promise<void>;
  /** The number of a run. What an earlier one of the same metadata has put there is removed. */
  beginRun(metadata: RunMetadata): Promise<number>;
  /** Adds rows, but none that would break a unique key. @returns how many were added */
  insert(table: Table, rows: Iterable<Row>, options: { runId: number }): Promise<number>;
  commit(): Promise<void>;
  /** Closes it; what was not committed is as if it never was. */
  close(): Promise<void>;
}

/** @throws HostFactoryError if the tables are those of another version of the legacy plug-in */
export function checkRevision(revision: unknown): void {
  if (revision === undefined || revision === REVISION) return;
  throw new HostFactoryError(`Cannot add to the tables of this database: their revision is '${revision}'`, {
    hint: `give another database, or one whose revision is ${REVISION}`,
  });
}
