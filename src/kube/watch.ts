import { type Clock, NOT_NEEDED } from "../clock.ts";
import { BodyReader } from "./transport/body_reader.ts";
import type { OpenStream } from "./transport/connection.ts";
import { KubeError } from "./errors.ts";
import { sortFailure } from "./failure.ts";
import { LineSplitter } from "./transport/lines.ts";
import type { Status, WatchEvent } from "./types.ts";

export interface WatchStreamOptions {
  clock: Clock;
  /** After how much silence, in milliseconds, the connection counts as dead. */
  idleTimeoutMs: number;
  signal?: AbortSignal;
}

/**
 * The events of a watch, in order, until the server ends the stream. Leaving the iteration closes the stream.
 * @throws KubeError as the ERROR event says; `unavailable` if the connection drops, if nothing was heard for too long,
 * or if what was heard is no event; the signal's reason when it aborts
 */
export async function* readWatch<T>(
  stream: OpenStream,
  options: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const connection = new WatchConnection(stream, options);
  const lines = new LineSplitter();
  try {
    for (;;) {
      const chunk = await connection.read();
      if (!chunk) {
        if (lines.unfinished) throw new KubeError("unavailable", "The watch broke off within an event");
        return;
      }
      for (const line of lines.push(chunk)) {
        yield parseEvent(line);
        connection.throwIfStopped();
      }
      connection.restartSilence(); // A consumer that takes long is not a server that is silent.
    }
  } catch (error) {
    throw connection.failureOf(error);
  } finally {
    connection.close();
  }
}

/** The connection of a watch. It is stopped if the server is silent for too long, or the signal aborts. */
class WatchConnection {
  readonly #stream: OpenStream;
  readonly #reader: BodyReader;
  readonly #options: WatchStreamOptions;
  readonly #closed = new AbortController();
  /** On the monotonic clock. */
  #heardAt: number;
  /** Why we stopped it; `undefined` if we did not. */
  #stopReason: unknown;

  constructor(stream: OpenStream, options: WatchStreamOptions) {
    this.#stream = stream;
    this.#reader = new BodyReader(stream.body);
    this.#options = options;
    this.#heardAt = options.clock.monotonic();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
    this.#stopWhenSilent().catch(() => {}); // Its wait ends with an error once the connection is closed.
  }

  /**
   * The next bytes; `undefined` once the server has ended the stream.
   * @throws why it was stopped, or what the stream throws
   */
  async read(): Promise<Uint8Array | undefined> {
    const chunk = await this.#reader.read();
    this.throwIfStopped();
    if (chunk) this.restartSilence();
    return chunk;
  }

  throwIfStopped(): void {
    if (this.#stopReason !== undefined) throw this.#stopReason;
  }

  /** Measures the server's silence from now on. */
  restartSilence(): void {
    this.#heardAt = this.#options.clock.monotonic();
  }

  /** What to throw for an error while reading: why it was stopped, if it was, else a KubeError. */
  failureOf(error: unknown): unknown {
    if (this.#stopReason !== undefined) return this.#stopReason;
    if (error instanceof KubeError) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new KubeError("unavailable", `The watch broke off: ${why}`, { cause: error });
  }

  close(): void {
    this.#closed.abort(NOT_NEEDED);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#stream.close();
    this.#reader.cancel().catch(() => {});
  }

  readonly #onAbort = () => this.#stop(this.#options.signal?.reason);

  async #stopWhenSilent(): Promise<void> {
    const { clock, idleTimeoutMs } = this.#options;
    for (;;) {
      const leftMs = this.#heardAt + idleTimeoutMs - clock.monotonic();
      if (leftMs <= 0) break;
      await clock.sleep(leftMs, this.#closed.signal);
    }
    this.#stop(new KubeError("unavailable", `The watch was silent for ${idleTimeoutMs / 1000} s`));
  }

  #stop(reason: unknown): void {
    this.#stopReason ??= reason;
    this.#stream.close();
    this.#reader.cancel(reason).catch(() => {}); // A waiting read gets an end or an error; `#stopReason` says why.
  }
}

function parseEvent<T>(line: string): WatchEvent<T> {
  let event: { type?: string; object?: { metadata?: unknown } };
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new KubeError("unavailable", "The watch sent a line that is not JSON", { cause: error });
  }
  switch (event?.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      if (typeof event.object?.metadata !== "object" || event.object.metadata === null) break;
      return event as WatchEvent<T>;
    case "ERROR": {
      const status = event.object as Status | undefined;
      throw sortFailure({ code: status?.code ?? 500, body: status ?? "", method: "GET", source: "the watch" });
    }
  }
  throw new KubeError("unavailable", "The watch sent a line that is not an event");
}
