import type { Revisions } from "./revisions.ts";
import { type Change, keyOf, type Stored } from "./stored.ts";
import { type History, WatchCache } from "./watch_cache.ts";

/** All objects of one resource at one moment, and the history that was kept. */
export interface StoreSnapshot<T> {
  objects: Map<string, T>;
  history: History<T>;
}

/** Whether the API server is restarted when etcd is restored, or keeps running. */
export type ApiServerOnRestore = "restarted" | "running";

/** The objects of one resource in etcd. */
export class Store<T extends Stored> {
  /** Answers lists and watches. */
  readonly cache: WatchCache<T>;
  readonly #revisions: Revisions;
  readonly #now: () => number;
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  readonly #restoreListeners: (() => void)[] = [];
  #objects = new Map<string, T>();
  /** True during a dry run: writes are answered but have no effect. */
  isDry = false;

  constructor(revisions: Revisions, { historyLimit, now }: { historyLimit: number; now: () => number }) {
    this.#revisions = revisions;
    this.#now = now;
    this.cache = new WatchCache<T>(revisions, { historyLimit });
  }

  get size(): number {
    return this.#objects.size;
  }

  /** @param namespace empty for an object without one */
  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  /** All objects, in the order of their creation. */
  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** The objects of one namespace. */
  valuesIn(namespace: string): T[] {
    return [...this.#objects.values()].filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** Calls `listener` after every change, in order, before the call that made the change returns. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls `listener` after `restore` has replaced all objects, which no change reports. */
  onRestore(listener: () => void): void {
    this.#restoreListeners.push(listener);
  }

  /** Stores a new object, or the next state of one. @returns it with its resource version */
  put(object: T): T {
    if (this.isDry) return object;
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    const revision = this.#revisions.next();
    const stored = withRevision(object, revision);
    this.#objects.set(key, stored);
    this.#tell({ type: previous ? "MODIFIED" : "ADDED", revision, time: this.#now(), object: stored, previous });
    return stored;
  }

  /** Removes an object. @returns its last state with the revision of the deletion */
  remove(object: T): T {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (!previous || this.isDry) return object;
    const revision = this.#revisions.next();
    const last = withRevision(previous, revision);
    this.#objects.delete(key);
    this.#tell({ type: "DELETED", revision, time: this.#now(), object: last, previous });
    return last;
  }

  snapshot(): StoreSnapshot<T> {
    return { objects: new Map(this.#objects), history: this.cache.history };
  }

  /** Replaces all objects by those of a snapshot. Expects the revisions to be restored already. */
  restore({ objects, history }: StoreSnapshot<T>, apiServer: ApiServerOnRestore): void {
    this.#objects = new Map(objects);
    if (apiServer === "restarted") this.cache.restart(objects, history);
    for (const listener of this.#restoreListeners) listener();
  }

  /** Rebuilds the cache from the objects. */
  restartCache(): void {
    this.cache.restart(this.#objects, this.cache.history);
  }

  #tell(change: Change<T>): void {
    this.cache.feed(change);
    for (const listener of this.#listeners) listener(change);
  }
}

function withRevision<T extends Stored>(object: T, revision: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
