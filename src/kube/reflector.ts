import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { Backoff, type BackoffLimits } from "./backoff.ts";
import { KubeError, type KubeErrorKind } from "./errors.ts";
import type { Source } from "./kube.ts";
import type { ObjectMeta } from "./types.ts";

/** Who is told what the cluster holds. Nothing here may take long: the server ends a watch that is read slowly. */
export interface ReflectorSink<T> {
  /** A LIST begins: forget what the last unfinished one brought. */
  begin(): void;
  /** One page of the LIST. */
  page(objects: T[]): void;
  /** The LIST is complete: what no page since begin() named does not exist. */
  complete(): void;
  /** One change, in order. */
  event(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void;
  /** The server spoke: an event, a bookmark, a page or the clean end of a watch. */
  heard(): void;
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
  /**
   * How long at most to wait, in milliseconds, once our credentials were refused again and again: long where we do without.
   * Default: 10 s.
   */
  longestRefusalMs?: number;
  /** How often all is listed anew though nothing seems to be missing, in milliseconds, give or take a tenth. Default: 10 min. */
  relistMs?: number;
}

/** A watch that lived this long was healthy, whatever ended it, in milliseconds. */
const HEALTHY_MS = 5_000;

/** No watch begins sooner than this after the one before it began, in milliseconds. */
const SHORTEST_WATCH_MS = 100;

/** A cluster that was away is found again this soon after it is back, in milliseconds. */
const BACKOFF_LIMITS: BackoffLimits = { firstMs: 200, longestMs: 10_000 };

/** A server that asks to wait longer than this is asked earlier, in milliseconds. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** After these the watch is taken up where it was; after any other all is listed anew. */
const WATCH_GOES_ON: ReadonlySet<KubeErrorKind> = new Set(["unavailable", "throttled", "unauthorised", "forbidden"]);

/**
 * Keeps `sink` told of the objects that exist, until the signal aborts: LIST, then WATCH from where the list was, again and
 * again. Never rejects for trouble with the cluster; what the sink throws counts as a failure after which all is listed anew.
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
  /** How far we have seen; nothing where all must be listed. */
  #version: string | undefined;
  #relistAt = 0;
  /** LISTs in a row whose continue token was too old. */
  #expiredLists = 0;

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
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      const listing = this.#version === undefined || clock.monotonic() >= this.#relistAt;
      let waitMs: number;
      try {
        if (listing) await this.#list();
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
    const { clock, random, labelSelector, pageLimit = 500, relistMs = 600_000, signal } = this.#options;
    // A list that takes longer than the server remembers will do so again: then all of it in one page.
    const limit = this.#expiredLists < 2 ? { limit: pageLimit } : {};
    let version: string | undefined;
    let continueToken: string | undefined;
    try {
      this.#sink.begin();
      do {
        const page = await this.#source.list({
          signal,
          ...limit,
          ...(labelSelector === undefined ? {} : { labelSelector }),
          ...(continueToken === undefined ? {} : { continueToken }),
        });
        signal.throwIfAborted();
        // All pages are of one moment, which the first one names.
        version ??= page.metadata.resourceVersion;
        continueToken = page.metadata.continue || undefined;
        this.#sink.page(page.items);
        this.#sink.heard();
      } while (continueToken !== undefined);
      this.#sink.complete();
    } catch (error) {
      if (isGone(error)) this.#expiredLists++;
      throw new ListFailure(error);
    }
    this.#expiredLists = 0;
    this.#version = version;
    this.#relistAt = clock.monotonic() + relistMs * (0.9 + random.next() * 0.2);
    this.#listBackoff.reset();
    this.#watchBackoff.reset();
    this.#refusalBackoff.reset();
  }

  /** One watch, to its clean end. Gives how long to wait before the next, in milliseconds. */
  async #watch(): Promise<number> {
    const { clock, labelSelector, watchTimeoutSeconds = 60, idleMarginMs = 15_000, signal } = this.#options;
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
        timeoutSeconds: watchTimeoutSeconds,
        idleTimeoutMs: watchTimeoutSeconds * 1000 + idleMarginMs,
        ...(labelSelector === undefined ? {} : { labelSelector }),
      });
      for await (const change of changes) {
        if (signal.aborted) return 0;
        if (events++ === 0) healthy();
        if (change.type !== "BOOKMARK") this.#tell(change.type, change.object);
        this.#version = change.object.metadata.resourceVersion ?? this.#version;
        this.#sink.heard();
      }
    } finally {
      if (clock.monotonic() - beganAt >= HEALTHY_MS) healthy();
    }
    if (signal.aborted) return 0;
    this.#sink.heard();
    const lived = clock.monotonic() - beganAt;
    if (events === 0 && lived < HEALTHY_MS) return this.#watchBackoff.next();
    return Math.max(0, SHORTEST_WATCH_MS - lived);
  }

  #tell(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    try {
      this.#sink.event(type, object);
    } catch (error) {
      this.#version = undefined; // The sink may have missed it: only a LIST makes that good.
      throw error;
    }
  }

  /** Tells the sink, decides whether to list anew, and gives how long to wait, in milliseconds. */
  #afterFailure(thrown: unknown): number {
    const inList = thrown instanceof ListFailure;
    const error = asKubeError(inList ? thrown.error : thrown);
    const gone = error.kind === "gone";
    const backoff = this.#backoffFor(error.kind, { inList });
    // That something is too old is no trouble at all, unless it happens again at once.
    const again = backoff.failures > 0 || !gone;
    let waitMs = backoff.next();
    if (!again) waitMs = 0;
    waitMs = Math.max(waitMs, Math.min(error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
    if (inList && this.#version !== undefined) {
      // It was to heal what may have been missed; until it succeeds, the watch goes on.
      this.#relistAt = this.#options.clock.monotonic() + waitMs;
      this.#sink.failed(error, waitMs);
      return 0;
    }
    if (!WATCH_GOES_ON.has(error.kind)) this.#version = undefined;
    this.#sink.failed(error, waitMs);
    return waitMs;
  }

  #backoffFor(kind: KubeErrorKind, { inList }: { inList: boolean }): Backoff {
    if (kind === "gone") return this.#goneBackoff;
    if (kind === "unauthorised") return this.#refusalBackoff;
    return inList ? this.#listBackoff : this.#watchBackoff;
  }
}

/** Tells a failure of LIST from one of WATCH. */
class ListFailure extends Error {
  readonly error: unknown;

  constructor(error: unknown) {
    super("LIST failed");
    this.error = error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof KubeError && error.kind === "gone";
}

function asKubeError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError("unavailable", error instanceof Error ? error.message : String(error), { cause: error });
}
