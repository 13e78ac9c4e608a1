import type { ObjectMeta } from "../kube/types.ts";
import { expired } from "./status.ts";

/** Anything with metadata. What is stored is never changed in place: a change stores another object. */
export interface Stored {
  metadata: ObjectMeta;
}

/** One change of one object. */
export interface Change<T> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  revision: number;
  /** When, in milliseconds since the epoch. */
  time: number;
  /** As it is now; for DELETED as it last was, with the revision of its deletion. */
  object: T;
  /** As it was before; nothing for ADDED. */
  previous: T | undefined;
}

/** The resource versions of a whole cluster: one number that grows with every change of anything. */
export class Revisions {
  /** Like a cluster that has been up for a while, so that low resource versions are too old from the start. */
  #current = 1000;

  get current(): number {
    return this.#current;
  }

  next(): number {
    return ++this.#current;
  }
}

/** Lists of the past that stay at hand, so that the pages of one list need not be worked out again. */
const SNAPSHOTS = 4;

/** The objects of one resource, with a bounded history of what changed. */
export class Store<T extends Stored> {
  readonly #revisions: Revisions;
  readonly #historyLimit: number;
  readonly #now: () => number;
  readonly #objects = new Map<string, T>();
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  #history: Change<T>[] = [];
  /** Changes up to this revision are forgotten. */
  #compacted: number;
  #snapshots = new Map<number, T[]>();

  constructor(revisions: Revisions, { historyLimit, now }: { historyLimit: number; now: () => number }) {
    this.#revisions = revisions;
    this.#historyLimit = historyLimit;
    this.#now = now;
    this.#compacted = revisions.current;
  }

  get revision(): number {
    return this.#revisions.current;
  }

  /** The oldest revision that can still be listed at, or watched from. */
  get oldestRevision(): number {
    return this.#compacted;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** `namespace` is empty for what has none. */
  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  /** In the order of their creation. */
  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Calls `listener` after every change, in order, before the call that made the change returns. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  /** Stores a new object, or the next state of one; gives it back with its resource version. */
  put(object: T): T {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    const revision = this.#revisions.next();
    const stored = withRevision(object, revision);
    this.#objects.set(key, stored);
    this.#record({ type: previous ? "MODIFIED" : "ADDED", revision, time: this.#now(), object: stored, previous });
    return stored;
  }

  /** Takes an object away; gives back its last state with the revision of the deletion. */
  remove(object: T): T {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (!previous) return object;
    const revision = this.#revisions.next();
    const last = withRevision(previous, revision);
    this.#objects.delete(key);
    this.#record({ type: "DELETED", revision, time: this.#now(), object: last, previous });
    return last;
  }

  /**
   * What changed after `revision`.
   * @throws ApiError 410 where that is forgotten
   */
  changesAfter(revision: number): Change<T>[] {
    if (revision < this.#compacted) {
      throw expired(`too old resource version: ${revision} (${this.#compacted})`);
    }
    return this.#history.slice(this.#positionAfter(revision));
  }

  /**
   * Every object as it was at `revision`, by namespace and name.
   * @throws ApiError 410 where that is forgotten
   */
  at(revision: number): T[] {
    const known = this.#snapshots.get(revision);
    if (known) return known;
    const objects = new Map(this.#objects);
    const changes = this.changesAfter(revision);
    for (const { object, previous } of changes.reverse()) {
      if (previous) objects.set(keyOf(object), previous);
      else objects.delete(keyOf(object));
    }
    const list = [...objects.keys()].sort().map((key) => objects.get(key)!);
    this.#snapshots.set(revision, list);
    if (this.#snapshots.size > SNAPSHOTS) this.#snapshots.delete(this.#snapshots.keys().next().value!);
    return list;
  }

  /** The revision that was the most recent one at a time, as far as history reaches back. */
  revisionAt(time: number): number {
    return this.#history.findLast((change) => change.time <= time)?.revision ?? this.#compacted;
  }

  /** Forgets all history: whoever watches or pages from before must list again. */
  compact(): void {
    this.#history = [];
    this.#snapshots.clear();
    this.#compacted = this.#revisions.current;
  }

  #record(change: Change<T>): void {
    this.#history.push(change);
    // Forgotten in large pieces, so that it costs nothing each time.
    if (this.#history.length >= this.#historyLimit * 1.25) {
      const forgotten = this.#history.splice(0, this.#history.length - this.#historyLimit);
      this.#compacted = forgotten.at(-1)!.revision;
      for (const revision of this.#snapshots.keys()) {
        if (revision < this.#compacted) this.#snapshots.delete(revision);
      }
    }
    for (const listener of this.#listeners) listener(change);
  }

  #positionAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where an object stands in a list: by namespace, then by name. */
export function keyOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function withRevision<T extends Stored>(object: T, revision: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
