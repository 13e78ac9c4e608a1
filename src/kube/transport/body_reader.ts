/** The size of a buffer in bytes, and how many buffers are kept for later bodies. */
const CHUNK_BYTES = 64 * 1024;
const MOST_SPARES = 32;

const spares: ArrayBufferLike[] = [];

/**
 * Reads a body chunk by chunk. If the body lets its reader provide the buffer, the same few buffers are used again and
 * again: otherwise the runtime makes a new one for each chunk, and clearing and collecting these costs more than
 * reading the bytes.
 */
export class BodyReader {
  readonly #plain: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #byob: ReadableStreamBYOBReader | undefined;
  /** Absent while it is being filled, and once it has been given back. */
  #buffer: ArrayBufferLike | undefined;

  constructor(body: ReadableStream<Uint8Array>) {
    try {
      this.#byob = body.getReader({ mode: "byob" });
      this.#buffer = spares.pop() ?? new ArrayBuffer(CHUNK_BYTES);
    } catch {
      this.#plain = body.getReader(); // It is not a stream of the network.
    }
  }

  /** The next bytes, which are valid until the next call; `undefined` at the end. */
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

  /** Ends the stream, and a `read` that is waiting. */
  cancel(reason?: unknown): Promise<void> {
    this.#giveBack();
    return (this.#byob ?? this.#plain)?.cancel(reason) ?? Promise.resolve();
  }

  #giveBack(): void {
    if (this.#buffer && spares.length < MOST_SPARES) spares.push(this.#buffer);
    this.#buffer = undefined;
  }
}
