import type { Revisions } from "./revisions.ts";
import { expired } from "../protocol/status.ts";
import { type Change, keyOf, type Stored } from "./stored.ts";

/** How many past lists are kept, so that each is computed only once for all its pages. */
const PAST_LISTS = 4;

/** All changes after the revision `compacted`. */
export interface History<T> {
  changes: Change<T>[];
  compacted: number;
}

/**
 * The API server's watch cache of one resource: it answers lists and watches, and keeps a bounded history of changes.
 */
export class WatchCache<T extends Stored> {
  readonly #revisions: Revisions;
  readonly #historyLimit: number;
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  #objects = new Map<string, T>();
  #history: Change<T>[] = [];
  /** Changes up to this revision are forgotten. */
  #compacted: number;
  /** The API server was started at this revision: no watch can begin before it. */
  #startedAt = 0;
  /**
   * Changes up to this revision are ignored: etcd was restored, and the cache has seen other changes with these
   * numbers.
   */
  #seenUntil = 0;
  #pastLists = new Map<number, T[]>();

  constructor(revisions: Revisions, { historyLimit }: { historyLimit: number }) {
    this.#revisions = revisions;
    this.#historyLimit = historyLimit;
    this.#compacted = revisions.current;
  }

  get revision(): number {
    return Math.max(this.#seenUntil, this.#revisions.current);
  }

  /** The oldest revision that can still be listed. */
  get oldestRevision(): number {
    return this.#compacted;
  }

  /** Calls `listener` after every change that is not ignored, in order. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  /** Applies one change of etcd, unless the cache is ahead of it. */
  feed(change: Change<T>): void {
    if (change.revision <= this.#seenUntil) return;
    const key = keyOf(change.object);
    const previous = this.#objects.get(key);
    if (change.type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, change.object);
    // The previous state is the cache's, which differs from etcd's after a restore.
    const applied = { ...change, previous };
    this.#record(applied);
    for (const listener of this.#listeners) listener(applied);
  }

  /**
   * The changes after `revision`, for a watch; none for a future revision.
   * @throws ApiError 410 if they are forgotten, or older than the API server
   */
  changesAfter(revision: number): Change<T>[] {
    this.#checkIsKnown(revision, Math.max(this.#compacted, this.#startedAt));
    return this.#changesAfter(revision);
  }

  /**
   * Every object as it was at `revision`, by namespace and name.
   * @throws ApiError 410 if that is forgotten
   */
  at(revision: number): T[] {
    const known = this.#pastLists.get(revision);
    if (known) return known;
    this.#checkIsKnown(revision, this.#compacted);
    const objects = new Map(this.#objects);
    for (const { object, previous } of this.#changesAfter(revision).reverse()) {
      if (previous) objects.set(keyOf(object), previous);
      else objects.delete(keyOf(object));
    }
    const list = [...objects.keys()].sort().map((key) => objects.get(key)!);
    this.#pastLists.set(revision, list);
    if (this.#pastLists.size > PAST_LISTS) this.#pastLists.delete(this.#pastLists.keys().next().value!);
    return list;
  }

  /** The revision that was the most recent one at a time, as far as history reaches back. */
  revisionAt(time: number): number {
    return this.#history.findLast((change) => change.time <= time)?.revision ?? this.#compacted;
  }

  /** Forgets all history: watches and pages from before must list again. */
  compact(): void {
    this.#history = [];
    this.#pastLists.clear();
    this.#compacted = this.revision;
  }

  /** The history of etcd; empty if the cache is ahead of it. */
  get history(): History<T> {
    const isEtcds = this.#seenUntil === 0;
    return isEtcds
      ? { changes: [...this.#history], compacted: this.#compacted }
      : { changes: [], compacted: this.#revisions.current };
  }

  /** Keeps the current state although etcd is about to be restored: changes are ignored until etcd has overtaken it. */
  keepAhead(): void {
    this.#seenUntil = this.revision;
  }

  /** Rebuilds the cache from etcd's objects and history: the API server was restarted. */
  restart(objects: Map<string, T>, { changes, compacted }: History<T>): void {
    this.#objects = new Map(objects);
    this.#history = [...changes];
    this.#compacted = compacted;
    this.#startedAt = this.#revisions.current;
    this.#seenUntil = 0;
    this.#pastLists.clear();
  }

  #record(change: Change<T>): void {
    this.#history.push(change);
    // History is forgotten in large pieces, so that most calls cost nothing.
    if (this.#history.length < this.#historyLimit * 1.25) return;
    const forgotten = this.#history.splice(0, this.#history.length - this.#historyLimit);
    this.#compacted = forgotten.at(-1)!.revision;
    for (const revision of this.#pastLists.keys()) {
      if (revision < this.#compacted) this.#pastLists.delete(revision);
    }
  }

  #checkIsKnown(revision: number, oldest: number): void {
    if (revision < oldest) throw expired(`too old resource version: ${revision} (${oldest})`);
  }

  #changesAfter(revision: number): Change<T>[] {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }
}
