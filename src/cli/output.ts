/** The one place that writes to standard output and standard error. */

/** Writes an answer whole. A reader that has gone away is no error. */
export async function writeOutput(text: string): Promise<void> {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
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
  return Deno.stdout.isTerminal();
}
