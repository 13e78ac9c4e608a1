import { KubeError } from "../errors.ts";

/** No object in a cluster is larger than 2 MiB or so; a line of more bytes than this is not one. */
const LONGEST_LINE = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a stream of UTF-8 into lines, whatever the chunks are that it comes in. Only whole lines are decoded: to decode a text in
 * parts takes the runtime several times as long, and gives strings of twice the size.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  /** What came after the last end of a line, in pieces. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** The lines that end within `chunk`, which is not kept, without their ends; empty ones are left out. */
  push(chunk: Uint8Array): string[] {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    const text = end === 0 ? "" : this.#decode(chunk.subarray(0, end));
    if (end < chunk.length) {
      this.#rest.push(chunk.slice(end));
      this.#restBytes += chunk.length - end;
    }
    if (this.#restBytes > LONGEST_LINE) {
      throw new KubeError("unavailable", "The API server sent a line without an end");
    }
    return text.split("\n").filter((line) => line.trim() !== "");
  }

  /** True if the stream stopped within a line. */
  get unfinished(): boolean {
    return this.#rest.some((piece) => this.#decoder.decode(piece).trim() !== "");
  }

  /** The text of what was left over, followed by this; nothing is left over then. */
  #decode(bytes: Uint8Array): string {
    if (this.#restBytes === 0) return this.#decoder.decode(bytes);
    const all = new Uint8Array(this.#restBytes + bytes.length);
    let at = 0;
    for (const piece of [...this.#rest, bytes]) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#rest = [];
    this.#restBytes = 0;
    return this.#decoder.decode(all);
  }
}
