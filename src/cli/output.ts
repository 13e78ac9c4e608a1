/** The one place that writes to standard output and standard error. */

/** Asked at the start, for a terminal that has been closed is none any more. */
const isTerminal = Deno.stdout.isTerminal();

/** Writes an answer whole. A reader that has gone away is no error. */
export async function writeOutput(text: string): Promise<void> {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

function isReaderGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    (isTerminal && error instanceof Error && "code" in error && error.code === "EIO");
}

/** Writes a line for people. Nobody listening is no error. */
export function writeError(text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += Deno.stderr.writeSync(bytes.subarray(written));
  } catch {
    // There is no one left to tell.
  }
}

/** True where standard output is a terminal that a person looks at. */
export function outputIsTerminal(): boolean {
  return isTerminal;
}
