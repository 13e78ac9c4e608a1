import { ExitCode, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import { writeError } from "./output.ts";

/**
 * The largest input, in bytes: enough for 40,000 machines with names and ids, and parsed within a second whatever it
 * holds.
 */
const LARGEST_INPUT = 4 * 1024 * 1024;

/**
 * Reads the question of a verb, a JSON document.
 * @param path a file, or `-` for standard input
 * @throws HostFactoryError that names the file
 */
export function readInput(files: Files, path: string): unknown {
  // It may be a pipe, which is refused as a file.
  const isStandardInput = path === "-" || path === "/dev/stdin" || path === "/dev/fd/0";
  const source = isStandardInput ? "standard input" : `'${path}'`;
  let text: string;
  try {
    text = isStandardInput ? readStandardInput() : files.readText(path, { mostBytes: LARGEST_INPUT });
  } catch (error) {
    if (error instanceof HostFactoryError) throw error;
    const reason = isNotFound(error) ? "it does not exist" : (error as Error).message;
    throw new HostFactoryError(`Cannot read the input from ${source}: ${reason}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HostFactoryError(`Cannot read the input from ${source}: it is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Asks the person at the terminal. Any answer except `y` and `yes` means no.
 * @returns `undefined` if there is no terminal
 * @throws the reason of `stopping` once that aborts
 */
export async function isConfirmed(question: string, stopping: AbortSignal): Promise<boolean | undefined> {
  if (!Deno.stdin.isTerminal()) return undefined;
  writeError(`${question} [y/N]`);
  const buffer = new Uint8Array(1_024);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  stopping.addEventListener("abort", () => reject(stopping.reason), { once: true });
  const read = await Promise.race([Deno.stdin.read(buffer), stopped]) ?? 0;
  return /^y(es)?$/i.test(new TextDecoder().decode(buffer.subarray(0, read)).trim());
}

/** Reads synchronously: a stream would take as long as the rest of a verb, and nothing else has to run meanwhile. */
function readStandardInput(): string {
  if (Deno.stdin.isTerminal()) {
    throw new HostFactoryError("Cannot read the input: none was given", {
      hint: "give -f FILE, or the JSON document on standard input",
      exitCode: ExitCode.usage,
    });
  }
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "", size = 0;
  for (let read: number | null; (read = Deno.stdin.readSync(buffer)) !== null;) {
    size += read;
    if (size > LARGEST_INPUT) {
      throw new HostFactoryError(`Cannot read the input: it is larger than ${LARGEST_INPUT} bytes`);
    }
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return text + decoder.decode();
}
