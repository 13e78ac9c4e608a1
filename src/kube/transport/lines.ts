import { KubeError } from "../errors.ts";

/** The longest line, in bytes. No object in a cluster is larger than about 2 MiB, so a longer line is not an object. */
const LONGEST_LINE = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a stream of UTF-8 into lines, however it is split into chunks. Only whole lines are decoded: decoding a text in
 * parts takes the runtime several times as long, and gives strings of twice the size.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  /** The bytes after the last end of a line, in pieces. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** The lines that end within `chunk`, without their line ends and without empty lines. `chunk` itself is not kept. */
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

  /** The text of the rest followed by these bytes; clears the rest. */
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
