/** How many streams may be open at once; each is one browser. */
const MOST_READERS = 64;

/** How many bytes may wait for a reader before it counts as slow. */
const MOST_WAITING_BYTES = 65_536;

/** How long a reader may be slow before it is dropped, in milliseconds; the page then connects again by itself. */
const SLOW_MS = 30_000;

interface Reader {
  stream: ReadableStreamDefaultController<Uint8Array>;
  /** True: it has received everything so far; false: it needs the whole picture next. */
  isCurrent: boolean;
  /** Since when it has been slow, on the monotonic clock. */
  slowSinceMs: number | undefined;
}

/**
 * The browsers that follow. Nothing is queued for one that does not read: it misses messages, and is dropped in the
 * end.
 */
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

  /** A stream of all messages from now on, the whole picture first; `undefined` if there are too many readers. */
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
   * Sends each reader what it needs.
   * @param news the changes; `undefined` if there are none
   * @param options `whole`: makes the whole picture, called only if a reader needs it; `nowMs`: on the monotonic clock
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

  /** Drops readers that have been slow for too long. */
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
