import { KubeError } from "../errors.ts";
import { BodyReader } from "./body_reader.ts";
import { shorten } from "./network_failure.ts";

/** The largest answer that is read, in bytes: a page of 500 pods of half a MiB each, a hundred times the usual size. */
const LARGEST_ANSWER = 256 * 1024 * 1024;

/** Reads a body to its end. @throws KubeError `unavailable` if it breaks off or has no end */
export async function readText(response: Response): Promise<string> {
  const text = await readBody(response, LARGEST_ANSWER).catch((error) => {
    throw new KubeError("unavailable", `The connection to the API server broke off: ${shorten(error)}`, {
      cause: error,
    });
  });
  if (text !== undefined) return text;
  throw new KubeError(
    "unavailable",
    `The API server's answer is larger than ${LARGEST_ANSWER} bytes, the most that is read`,
  );
}

/** The text of a body; `undefined` if it has more than `mostBytes`, of which the rest is not read. */
export async function readBody({ body }: Response, mostBytes: number): Promise<string | undefined> {
  if (!body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = new BodyReader(body);
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** @param what the call that was answered, for the error message */
// deno-lint-ignore no-explicit-any -- the caller checks what it needs
export function parseJson(text: string, what: string): any {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KubeError("unavailable", `The answer to ${what} is not JSON or was cut short`, { cause: error });
  }
}
