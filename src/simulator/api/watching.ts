import { ApiError } from "../protocol/status.ts";
import type { Change, Stored } from "../store/stored.ts";
import type { Timeline } from "../behaviour/timeline.ts";
import type { WatchCache } from "../store/watch_cache.ts";

/** The request for a watch. */
export interface WatchRequest<T extends Stored> {
  cache: WatchCache<T>;
  kind: string;
  apiVersion: string;
  selects: (object: T) => boolean;
  /** Makes what is sent of an object: the object itself, or a table. */
  show: (object: T) => unknown;
  /** Objects that a fault hides at this moment: no event reports them. */
  hides: (object: T) => boolean;
  /** Changes after this revision, which may be a future one; undefined or 0: begins with all objects as ADDED. */
  resourceVersion: number | undefined;
  bookmarks: boolean;
  timeoutMs: number;
  /** A fault: nothing is sent at all. */
  isSilent: boolean;
  signal: AbortSignal;
}

const encoder = new TextEncoder();

/** How many lines a reader may lag behind before the server ends the watch, as the real API server does. */
const LONGEST_LAG = 20_000;

/** How long before the end of a watch its last bookmark comes, in milliseconds. */
const LAST_BOOKMARK_MS = 2000;

/** One open watch: a stream of JSON lines. */
export class Watch {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly path: string;
  /** True: sends nothing any more, but stays open. */
  silent = false;
  #lines: string[] = [];
  #wake: (() => void) | undefined;
  #ending: "no" | "end" | Error = "no";
  #onClose: (() => void)[] = [];

  constructor(path: string) {
    this.path = path;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        if (this.#lines.length === 0 && this.#ending === "no") await new Promise<void>((wake) => this.#wake = wake);
        if (this.#ending instanceof Error) return controller.error(this.#ending);
        if (this.#lines.length > 0) controller.enqueue(encoder.encode(this.#lines.join("")));
        this.#lines = [];
        if (this.#ending === "end") controller.close();
      },
      cancel: () => this.end(),
    }, { highWaterMark: 0 });
  }

  send(line: string): void {
    if (this.silent || this.#ending !== "no") return;
    this.#lines.push(line);
    if (this.#lines.length > LONGEST_LAG) this.end();
    this.#awake();
  }

  /** Ends the stream cleanly, after what has been sent. */
  end(): void {
    this.#close("end");
  }

  /** Breaks the connection. */
  break(): void {
    this.#close(new TypeError("connection closed before message completed"));
  }

  onClose(run: () => void): void {
    this.#onClose.push(run);
  }

  #close(ending: "end" | Error): void {
    if (this.#ending !== "no") return;
    this.#ending = ending;
    for (const run of this.#onClose) run();
    this.#awake();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** All open watches. */
export class Watches {
  readonly #timeline: Timeline;
  readonly #bookmarkPeriodMs: number;
  readonly #open = new Set<Watch>();
  /** The object that was last turned into text, shared by all watches that show it. */
  #shown: { object: unknown; text: string } | undefined;

  constructor(timeline: Timeline, { bookmarkPeriodMs }: { bookmarkPeriodMs: number }) {
    this.#timeline = timeline;
    this.#bookmarkPeriodMs = bookmarkPeriodMs;
  }

  get size(): number {
    return this.#open.size;
  }

  list(): Watch[] {
    return [...this.#open];
  }

  /** Opens a watch. If that is impossible, the watch has an ERROR event, as with the real API server. */
  open<T extends Stored>(path: string, request: WatchRequest<T>): Watch {
    const watch = new Watch(path);
    watch.silent = request.isSilent;
    const { cache, resourceVersion } = request;
    const from = resourceVersion || cache.revision;
    try {
      if (resourceVersion) {
        for (const change of cache.changesAfter(resourceVersion)) this.#tell(watch, change, request);
      } else {
        for (const object of cache.at(from)) {
          if (request.selects(object) && !request.hides(object)) watch.send(this.#line("ADDED", object, request));
        }
        if (request.bookmarks) watch.send(bookmark(request, { "k8s.io/initial-events-end": "true" }));
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      watch.send(JSON.stringify({ type: "ERROR", object: error.status }) + "\n");
      watch.end();
      return watch;
    }
    this.#open.add(watch);
    const stopFollowing = this.#follow(watch, { ...request, from });
    const bookmarks = this.#sendBookmarks(watch, { ...request, from });
    const end = this.#timeline.after(request.timeoutMs, () => watch.end());
    const onAbort = () => watch.end();
    request.signal.addEventListener("abort", onAbort, { once: true });
    watch.onClose(() => {
      this.#open.delete(watch);
      stopFollowing();
      for (const appointment of [...bookmarks, end]) appointment.cancel();
      request.signal.removeEventListener("abort", onAbort);
    });
    return watch;
  }

  #followers = new Map<WatchCache<never>, Set<(change: Change<never>) => void>>();

  /** A watch from a future revision reports only changes after that. */
  #follow<T extends Stored>(watch: Watch, request: WatchRequest<T> & { from: number }): () => void {
    const cache = request.cache as unknown as WatchCache<never>;
    let followers = this.#followers.get(cache);
    if (!followers) {
      const all = new Set<(change: Change<never>) => void>();
      cache.onChange((change) => {
        for (const follow of all) follow(change);
      });
      this.#followers.set(cache, followers = all);
    }
    const follow = (change: Change<never>) => {
      if (change.revision > request.from) this.#tell(watch, change as unknown as Change<T>, request);
    };
    followers.add(follow);
    return () => followers.delete(follow);
  }

  /**
   * An object that begins to match is reported as ADDED, one that ceases to match as DELETED, in its previous state.
   */
  #tell<T extends Stored>(watch: Watch, { type, object, previous }: Change<T>, request: WatchRequest<T>): void {
    if (request.hides(object)) return;
    const was = previous !== undefined && request.selects(previous);
    const is = type !== "DELETED" && request.selects(object);
    if (is) watch.send(this.#line(was ? "MODIFIED" : "ADDED", object, request));
    else if (was) {
      const { resourceVersion = "" } = object.metadata;
      const last = type === "DELETED" ? object : { ...previous, metadata: { ...previous.metadata, resourceVersion } };
      watch.send(this.#line("DELETED", last, request));
    }
  }

  #line<T extends Stored>(type: string, object: T, { kind, apiVersion, show }: WatchRequest<T>): string {
    const shown = show(object);
    const isPlain = shown === object;
    const known = isPlain && this.#shown?.object === object ? this.#shown.text : undefined;
    const text = known ?? JSON.stringify(isPlain ? { kind, apiVersion, ...object } : shown);
    if (isPlain) this.#shown = { object, text };
    return `{"type":"${type}","object":${text}}\n`;
  }

  /**
   * Sent periodically and shortly before the end, but only if the revision is newer than the one that the watch began
   * with.
   */
  #sendBookmarks<T extends Stored>(watch: Watch, request: WatchRequest<T> & { from: number }): { cancel(): void }[] {
    const { bookmarks, cache, from, timeoutMs } = request;
    if (!bookmarks) return [];
    const send = () => {
      if (cache.revision > from) watch.send(bookmark(request));
    };
    const lastMs = timeoutMs > LAST_BOOKMARK_MS ? timeoutMs - LAST_BOOKMARK_MS : timeoutMs / 2;
    return [this.#timeline.every(this.#bookmarkPeriodMs, send), this.#timeline.after(lastMs, send)];
  }
}

/** The empty fields of a bookmark's object, by kind. */
const EMPTY: Record<string, object> = { Pod: { spec: { containers: null }, status: {} }, Lease: { spec: {} } };

function bookmark<T extends Stored>(
  { kind, apiVersion, cache }: WatchRequest<T>,
  annotations?: Record<string, string>,
): string {
  const metadata = { resourceVersion: String(cache.revision), ...(annotations ? { annotations } : {}) };
  const object = { kind, apiVersion, metadata, ...EMPTY[kind] };
  return JSON.stringify({ type: "BOOKMARK", object }) + "\n";
}
