import { KubeError } from "../errors.ts";

/** No object in a cluster is larger than 2 MiB or so; a line of more letters than this is not one. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** Cuts a stream of UTF-8 into lines, whatever the chunks are that it comes in. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that end within `chunk`, without their ends; empty ones are left out. */
  push(chunk: Uint8Array): string[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const lines: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      const line = this.#rest + text.slice(start, end);
      this.#rest = "";
      if (line.trim() !== "") lines.push(line);
      start = end + 1;
    }
    this.#rest += text.slice(start);
    if (this.#rest.length > LONGEST_LINE) {
      throw new KubeError("unavailable", "The API server sent a line without an end");
    }
    return lines;
  }

  /** True if the stream stopped within a line. */
  get unfinished(): boolean {
    return this.#rest.trim() !== "";
  }
}
