import { ExitCode, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";

/**
 * Reads the JSON document that a verb is asked with.
 * @param path a file, or `-` for standard input
 * @throws HostFactoryError that names where it is from
 */
export async function readInput(files: Files, path: string): Promise<unknown> {
  // Deno opens nothing below /dev unless every permission is granted.
  const isStandardInput = path === "-" || path === "/dev/stdin" || path === "/dev/fd/0";
  const source = isStandardInput ? "standard input" : `'${path}'`;
  let text: string;
  try {
    text = isStandardInput ? await readStandardInput() : files.readText(path);
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

async function readStandardInput(): Promise<string> {
  if (Deno.stdin.isTerminal()) {
    throw new HostFactoryError("Cannot read the input: none was given", {
      hint: "give -f FILE, or the JSON document on standard input",
      exitCode: ExitCode.usage,
    });
  }
  return await new Response(Deno.stdin.readable).text();
}
