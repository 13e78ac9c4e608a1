import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { Backoff, type BackoffLimits } from "./backoff.ts";
import { asKubeError, KubeError, type KubeErrorKind } from "./errors.ts";
import { isNotGranted } from "./failure.ts";
import type { Source } from "./kube.ts";
import { EndlessList, listPages } from "./list_pages.ts";
import { isOlder } from "./resource_version.ts";
import type { ObjectMeta } from "./types.ts";

/** Receives what the cluster contains. No call may take long: the server ends a watch that is read slowly. */
export interface ReflectorSink<T> {
  /**
   * A LIST begins: forget the objects of the last unfinished one.
   * @param options `wentBack`: its resource version is older than one heard before: the cluster was restored to an
   * earlier state, and issues versions a second time
   */
  begin(options: { wentBack: boolean }): void;
  /** One page of the LIST. */
  page(objects: T[]): void;
  /**
   * The LIST is complete: it named everything that exists, if it is to be believed.
   * @returns `doubted` if another LIST has to say the same first, over other connections
   */
  complete(): "doubted" | void;
  /** One change, in order. */
  event(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void;
  /** The server has reported its state: by an event, a bookmark, a page. The end of a watch reports nothing. */
  heard(): void;
  /** After a failure, the server answers again; its state is still to be heard. */
  answers?(): void;
  /** A LIST or WATCH failed; it is tried again in `retryMs`. */
  failed(error: KubeError, retryMs: number): void;
}

export interface ReflectorOptions {
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  labelSelector?: string;
  /** Objects in a page. Default: 500. */
  pageLimit?: number;
  /** After how many seconds the server is asked to end each watch. Default: 60. */
  watchTimeoutSeconds?: number;
  /** How much longer than that silence is believed, in milliseconds. Default: 15 s. */
  idleMarginMs?: number;
  /** The longest wait while our credentials are refused, in milliseconds. Default: 10 s. */
  longestRefusalMs?: number;
  /** The wait if the kind is unknown or RBAC hides it, in milliseconds. Default: that after other failures. */
  absentMs?: number;
  /** How often to list again although nothing seems missing, in milliseconds, ± 10 %. Default: 10 min. */
  relistMs?: number;
  /** How often etcd was seen to be put back to an earlier state: after each time all is listed again. */
  restores?: () => number;
}

/** A watch that lived this long was healthy, whatever ended it, in milliseconds. */
const HEALTHY_MS = 5_000;

/** The least time from the beginning of one watch to that of the next, in milliseconds. */
const SHORTEST_WATCH_MS = 100;

/** The waits after failures: once the cluster is back, it is found again within the longest one. */
const BACKOFF_LIMITS: BackoffLimits = { firstMs: 200, longestMs: 10_000 };

/** The wait before another LIST if one was doubted, in milliseconds: the server that answered may be just starting. */
const DOUBT_MS = 2_000;

/** Watches are probed after one of this many milliseconds without an event, or after this many without one in a row. */
const SILENT_MS = 8_000;
const MOST_SILENT_WATCHES = 3;

/** How long a probe waits, in seconds, for a watch to begin with an object that exists. */
const PROBE_SECONDS = 5;

/** How many seconds a watch lasts after one without events; lists may take at most a twentieth of the time. */
const SHORT_WATCH_SECONDS = 10;
const MOST_LIST_SHARE = 20;

/** The longest wait that a server can ask for, in milliseconds. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** After these failures the watch resumes from the last version; after any other, everything is listed again. */
const WATCH_GOES_ON: ReadonlySet<KubeErrorKind> = new Set(["unavailable", "throttled", "unauthorised", "forbidden"]);

/**
 * Keeps `sink` informed of the objects that exist, until the signal aborts: LIST, then WATCH from its version, and so
 * on. Never rejects for a failure of the cluster; if the sink throws, all is listed again.
 */
export async function reflect<T extends { metadata: ObjectMeta }>(
  source: Source<T>,
  sink: ReflectorSink<T>,
  options: ReflectorOptions,
): Promise<void> {
  await new Reflector(source, sink, options).run();
}

class Reflector<T extends { metadata: ObjectMeta }> {
  readonly #source: Source<T>;
  readonly #sink: ReflectorSink<T>;
  readonly #options: ReflectorOptions;
  readonly #listBackoff: Backoff;
  readonly #watchBackoff: Backoff;
  /** For servers that forget at once what they have just listed. */
  readonly #goneBackoff: Backoff;
  readonly #refusalBackoff: Backoff;
  /** The resource version that we have seen; `undefined` if all must be listed. */
  #version: string | undefined;
  #relistAt = 0;
  #restores = 0;
  /** How many LISTs in a row were too old before their last page. */
  #brokenLists = 0;
  /** How many watches in a row ended cleanly without an event. */
  #silentWatches = 0;
  /** True if watches carry no events although there should be some. */
  #isDeaf = false;
  /** The last watch had no events, but a probe after it did: the next watch brings what it missed, if anything. */
  #mayHaveMissed = false;
  /** How long the last LIST took, in milliseconds. */
  #listMs = 0;
  /** The connection broke off: the server that answers next may have gone back in time. */
  #mustCompare = false;

  constructor(source: Source<T>, sink: ReflectorSink<T>, options: ReflectorOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#options = options;
    this.#listBackoff = new Backoff(options.random, BACKOFF_LIMITS);
    this.#watchBackoff = new Backoff(options.random, BACKOFF_LIMITS);
    this.#goneBackoff = new Backoff(options.random, BACKOFF_LIMITS);
    const { longestRefusalMs = BACKOFF_LIMITS.longestMs } = options;
    this.#refusalBackoff = new Backoff(options.random, { ...BACKOFF_LIMITS, longestMs: longestRefusalMs });
  }

  async run(): Promise<void> {
    const { clock, signal, restores = () => 0 } = this.#options;
    while (!signal.aborted) {
      if (this.#restores !== restores()) this.#relistAt = -Infinity;
      this.#restores = restores();
      const listing = this.#version === undefined || clock.monotonic() >= this.#relistAt;
      let waitMs: number;
      try {
        if (listing) await this.#list();
        if (this.#mustCompare && (await this.#compare()).wentBack) continue;
        waitMs = await this.#watch();
      } catch (error) {
        if (signal.aborted) return;
        waitMs = this.#afterFailure(error);
      }
      try {
        if (waitMs > 0) await clock.sleep(waitMs, signal);
      } catch {
        return; // The signal aborted.
      }
    }
  }

  async #list(): Promise<void> {
    const { clock, random, pageLimit = 500, relistMs = 600_000, signal } = this.#options;
    const beganAt = clock.monotonic();
    let version: string;
    try {
      const first = await this.#listOnce(pageLimit);
      version = first.version;
      if (first.isDoubted) {
        this.#source.reconnect?.();
        await clock.sleep(DOUBT_MS, signal);
        // Another page size makes it another question, to which a cache on the way has no answer yet.
        version = (await this.#listOnce(Math.ceil(pageLimit / 2))).version;
      }
    } catch (error) {
      if (error instanceof KubeError && error.kind === "gone") this.#brokenLists++;
      if (error instanceof EndlessList) this.#brokenLists = 2;
      throw new ListFailure(error);
    }
    this.#listMs = clock.monotonic() - beganAt;
    this.#brokenLists = 0;
    this.#mustCompare = false;
    this.#version = version;
    this.#relistAt = clock.monotonic() + relistMs * (0.9 + random.next() * 0.2);
    this.#listBackoff.reset();
    this.#watchBackoff.reset();
    this.#refusalBackoff.reset();
  }

  async #listOnce(pageLimit: number): Promise<{ version: string; isDoubted: boolean }> {
    const { labelSelector, signal } = this.#options;
    // A list that takes longer than the server keeps its version will do so again; then all of it is one page.
    const limit = this.#brokenLists < 2 ? { limit: pageLimit } : {};
    const selector = labelSelector === undefined ? {} : { labelSelector };
    let version: string | undefined;
    for await (const { metadata, items } of listPages(this.#source, { signal, ...limit, ...selector })) {
      if (version === undefined) {
        version = metadata.resourceVersion;
        this.#sink.begin({ wentBack: isOlder(version, this.#version) });
      }
      this.#sink.page(items);
      this.#sink.heard();
    }
    return { version: version ?? "", isDoubted: this.#sink.complete() === "doubted" };
  }

  /** Whether the server's version is older than ours (then all is to be listed again), and the name of one object. */
  async #compare(): Promise<{ wentBack: boolean; example: string | undefined }> {
    const { signal, labelSelector } = this.#options;
    const selector = labelSelector === undefined ? {} : { labelSelector };
    const { metadata, items } = await this.#source.list({ signal, limit: 1, ...selector });
    this.#mustCompare = false;
    this.#sink.answers?.();
    const wentBack = isOlder(metadata.resourceVersion, this.#version);
    if (wentBack) this.#relistAt = -Infinity;
    return { wentBack, example: items[0]?.metadata.name };
  }

  /** Runs one watch to its clean end. @returns how long to wait before the next, in milliseconds */
  async #watch(): Promise<number> {
    const { clock, labelSelector, idleMarginMs = 15_000, signal } = this.#options;
    const timeoutSeconds = this.#watchSeconds();
    const beganAt = clock.monotonic();
    let events = 0;
    const healthy = () => {
      this.#watchBackoff.reset();
      this.#goneBackoff.reset();
      this.#refusalBackoff.reset();
    };
    try {
      const changes = this.#source.watch({
        signal,
        resourceVersion: this.#version ?? "",
        timeoutSeconds,
        idleTimeoutMs: timeoutSeconds * 1000 + idleMarginMs,
        ...(labelSelector === undefined ? {} : { labelSelector }),
      });
      for await (const change of changes) {
        if (signal.aborted) return 0;
        if (events++ === 0) healthy();
        this.#silentWatches = 0;
        this.#isDeaf = false;
        this.#mayHaveMissed = false;
        if (change.type !== "BOOKMARK") this.#tell(change.type, change.object);
        this.#version = change.object.metadata.resourceVersion ?? this.#version;
        this.#sink.heard();
      }
    } finally {
      if (clock.monotonic() - beganAt >= HEALTHY_MS) healthy();
    }
    if (signal.aborted) return 0;
    const lived = clock.monotonic() - beganAt;
    if (events === 0) return await this.#afterSilence(lived);
    return Math.max(0, SHORTEST_WATCH_MS - lived);
  }

  /**
   * If a watch carries nothing, either nothing happens in the cluster (an API server sends bookmarks only if something
   * has happened), or it cannot carry anything: through a gateway, or from a version that does not exist yet. In that
   * case all is listed again and again instead. Nothing happens if a watch from our version carried nothing, while
   * probes before and after it did. @returns how long to wait, in milliseconds
   */
  async #afterSilence(livedMs: number): Promise<number> {
    this.#silentWatches++;
    if (livedMs < SILENT_MS && this.#silentWatches < MOST_SILENT_WATCHES) return this.#watchBackoff.next();
    const { wentBack, example } = await this.#compare();
    if (wentBack) return 0;
    // An API server does not end watches early again and again.
    this.#isDeaf = livedMs < SILENT_MS || (example !== undefined && !await this.#isCarried(example));
    // Listing nothing costs nothing.
    if (this.#isDeaf || example === undefined) {
      this.#relistAt = -Infinity;
      this.#mayHaveMissed = false;
    } else {
      this.#silentWatches = 0;
      if (this.#mayHaveMissed) this.#sink.heard();
      this.#mayHaveMissed = !this.#mayHaveMissed;
    }
    return livedMs >= HEALTHY_MS ? SHORTEST_WATCH_MS : this.#watchSeconds() * 1000 - livedMs;
  }

  /** Whether a watch carries an object that exists: without a version, a watch has to begin with it. */
  async #isCarried(name: string): Promise<boolean> {
    const { labelSelector, idleMarginMs = 15_000, signal } = this.#options;
    const changes = this.#source.watch({
      signal,
      fieldSelector: `metadata.name=${name}`,
      timeoutSeconds: PROBE_SECONDS,
      idleTimeoutMs: PROBE_SECONDS * 1000 + idleMarginMs,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    for await (const _ of changes) return true;
    return false;
  }

  #watchSeconds(): number {
    const { watchTimeoutSeconds = 60 } = this.#options;
    if (!this.#isDeaf && !this.#mayHaveMissed) return watchTimeoutSeconds;
    const seconds = Math.max(SHORT_WATCH_SECONDS, Math.ceil(MOST_LIST_SHARE * this.#listMs / 1000));
    return Math.min(watchTimeoutSeconds, seconds);
  }

  #tell(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    try {
      this.#sink.event(type, object);
    } catch (error) {
      this.#version = undefined; // The sink may have missed it, which only a LIST can repair.
      throw error;
    }
  }

  /** Tells the sink, and decides whether to list again. @returns how long to wait, in milliseconds */
  #afterFailure(thrown: unknown): number {
    const inList = thrown instanceof ListFailure;
    const error = asKubeError(inList ? thrown.error : thrown);
    const gone = error.kind === "gone";
    const backoff = this.#backoffFor(error.kind, { inList });
    // A version that is too old is no problem, unless it happens again at once.
    const again = backoff.failures > 0 || !gone;
    let waitMs = backoff.next();
    if (!again) waitMs = 0;
    if (error.kind === "notFound" || isNotGranted(error)) waitMs = this.#options.absentMs ?? waitMs;
    waitMs = Math.max(waitMs, Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
    if (inList && this.#version !== undefined) {
      // That LIST was a precaution; until one succeeds, the watch goes on.
      this.#relistAt = this.#options.clock.monotonic() + waitMs;
      this.#sink.failed(error, waitMs);
      return 0;
    }
    if (!WATCH_GOES_ON.has(error.kind)) this.#version = undefined;
    else if (error.kind === "unavailable") this.#mustCompare = true;
    this.#sink.failed(error, waitMs);
    return waitMs;
  }

  #backoffFor(kind: KubeErrorKind, { inList }: { inList: boolean }): Backoff {
    if (kind === "gone") return this.#goneBackoff;
    if (kind === "unauthorised") return this.#refusalBackoff;
    return inList ? this.#listBackoff : this.#watchBackoff;
  }
}

/** Distinguishes a failure of LIST from one of WATCH. */
class ListFailure extends Error {
  readonly error: unknown;

  constructor(error: unknown) {
    super("LIST failed");
    this.error = error;
  }
}
