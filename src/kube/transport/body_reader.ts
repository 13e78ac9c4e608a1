/** Bytes that are asked for at once, and of as many buffers as are kept for the next bodies. */
const CHUNK_BYTES = 64 * 1024;
const MOST_SPARES = 32;

const spares: ArrayBufferLike[] = [];

/**
 * Reads a body chunk by chunk, through the same few buffers again and again if the body lets its reader bring one along: left
 * alone, the runtime makes a new one for each chunk, and clearing and collecting these costs more than the bytes themselves.
 */
export class BodyReader {
  readonly #plain: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #byob: ReadableStreamBYOBReader | undefined;
  /** Absent while it is filled, and once it was given back. */
  #buffer: ArrayBufferLike | undefined;

  constructor(body: ReadableStream<Uint8Array>) {
    try {
      this.#byob = body.getReader({ mode: "byob" });
      this.#buffer = spares.pop() ?? new ArrayBuffer(CHUNK_BYTES);
    } catch {
      this.#plain = body.getReader(); // Not a stream of the network's.
    }
  }

  /** The next bytes, which are valid until the next call; nothing once there are no more. */
  async read(): Promise<Uint8Array | undefined> {
    if (!this.#byob) return (await this.#plain?.read())?.value;
    const room = new Uint8Array(this.#buffer ?? new ArrayBuffer(CHUNK_BYTES));
    this.#buffer = undefined;
    const { value, done } = await this.#byob.read(room);
    this.#buffer = value?.buffer;
    if (!done) return value;
    this.#giveBack();
    return undefined;
  }

  /** Ends the stream, and what `read` waits for. */
  cancel(reason?: unknown): Promise<void> {
    this.#giveBack();
    return (this.#byob ?? this.#plain)?.cancel(reason) ?? Promise.resolve();
  }

  #giveBack(): void {
    if (this.#buffer && spares.length < MOST_SPARES) spares.push(this.#buffer);
    this.#buffer = undefined;
  }
}
