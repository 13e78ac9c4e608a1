/** Streams that are open at once, at most: each is a browser. */
const MOST_READERS = 64;

/** Bytes that may wait for one reader before it counts as slow. */
const MOST_WAITING_BYTES = 65_536;

/** How long, in milliseconds, a reader may be slow before it is dropped: it comes back by itself. */
const SLOW_MS = 30_000;

interface Reader {
  stream: ReadableStreamDefaultController<Uint8Array>;
  /** It has all that was told; else it needs the whole picture next. */
  isCurrent: boolean;
  /** Since when, on the monotonic clock, more waits for it than may. */
  slowSinceMs: number | undefined;
}

/** Those who follow. Nothing is kept for one that does not read: it is left out, and in the end dropped. */
export class Readers {
  readonly #readers = new Set<Reader>();
  readonly #came: () => void;

  /** @param came is called for each new reader */
  constructor(came: () => void) {
    this.#came = came;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** A stream of all that is told from now on, whole picture first; `undefined` if there are too many. */
  open(): ReadableStream<Uint8Array> | undefined {
    if (this.#readers.size >= MOST_READERS) return undefined;
    let reader: Reader | undefined;
    return new ReadableStream<Uint8Array>({
      start: (stream) => {
        reader = { stream, isCurrent: false, slowSinceMs: undefined };
        this.#readers.add(reader);
        this.#came();
      },
      cancel: () => {
        if (reader) this.#readers.delete(reader);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING_BYTES }));
  }

  /**
   * Tells each what it is to hear.
   * @param news what has changed; `undefined`: nothing
   * @param options `whole`: the whole picture, asked for only if somebody needs it; `nowMs`: on the monotonic clock
   */
  tell(news: Uint8Array | undefined, { whole, nowMs }: { whole: () => Uint8Array; nowMs: number }): void {
    for (const reader of this.#readers) {
      if (this.#isSlow(reader, nowMs)) {
        if (news) reader.isCurrent = false;
        continue;
      }
      const bytes = reader.isCurrent ? news : whole();
      if (bytes) reader.stream.enqueue(bytes);
      reader.isCurrent = true;
    }
  }

  /** Drops those that have been slow for too long. */
  #isSlow(reader: Reader, nowMs: number): boolean {
    if ((reader.stream.desiredSize ?? 0) > 0) {
      reader.slowSinceMs = undefined;
      return false;
    }
    reader.slowSinceMs ??= nowMs;
    if (nowMs - reader.slowSinceMs >= SLOW_MS) {
      this.#readers.delete(reader);
      reader.stream.error(new Error("It does not read"));
    }
    return true;
  }

  /** Ends all streams. */
  end(): void {
    for (const { stream } of this.#readers) stream.close();
    this.#readers.clear();
  }
}
