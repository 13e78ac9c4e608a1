import { describeError } from "../../errors.ts";
import { isMisplaced, isNotFound } from "../../files.ts";

/** As many are remembered; beyond, an operator has seen enough to know. */
export const MOST_BROKEN_ENTRIES = 1_000;

/** What is wrong with an entry, and how often it was met. */
export interface QuarantinedEntry {
  path: string;
  /** Who could do nothing with it; empty if it is what it is, whichever watcher looks at it. */
  by: string;
  reason: string;
  times: number;
}

/**
 * What this process has met in the work directory that is not what it should be, or cannot be used: it is done without,
 * and left where it is, for it may be another's.
 */
export class Quarantine {
  readonly #byKey = new Map<string, QuarantinedEntry>();

  note(path: string, reason: string, by = ""): void {
    const key = this.keyOf(path, by);
    const entry = this.#byKey.get(key);
    if (entry) Object.assign(entry, { reason, times: entry.times + 1 });
    else if (this.#byKey.size < MOST_BROKEN_ENTRIES) this.#byKey.set(key, { path, by, reason, times: 1 });
  }

  /**
   * Notes that something else is in the place of an entry that could not be read: it counts as missing.
   * @throws any other error
   */
  noteMisplaced(path: string, error: unknown): undefined {
    if (isNotFound(error)) return;
    if (!isMisplaced(error)) throw error;
    this.note(path, describeError(error));
  }

  /** Notes that the entry is as it should be, or gone. */
  clear(path: string, by = ""): void {
    if (this.#byKey.size > 0) this.#byKey.delete(this.keyOf(path, by));
  }

  keyOf(path: string, by: string): string {
    return `${path}\0${by}`;
  }

  /** How many there are. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Every entry, by a key that stays the same. */
  get all(): ReadonlyMap<string, QuarantinedEntry> {
    return this.#byKey;
  }
}
