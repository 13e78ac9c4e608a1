import { ApiError } from "./status.ts";

/** The media type of requests and answers. The real API server supports protobuf and CBOR, too. */
const SPOKEN = "application/json";
const UNDERSTOOD = ["application/json", "application/yaml"];

/**
 * Checks that a client accepts JSON: one that only prefers protobuf gets JSON, and one that insists on it gets an
 * error.
 * @throws ApiError 406
 */
export function checkAccepted(headers: Headers): void {
  const accepted = (headers.get("accept") ?? "*/*").split(",").map((range) => range.split(";")[0]!.trim());
  if (accepted.some((range) => [SPOKEN, "application/*", "*/*", ""].includes(range))) return;
  const message = `406: Not Acceptable\n\nAvailable representations: ${SPOKEN}`;
  throw new ApiError(406, message, { reason: "NotAcceptable", details: {} });
}

/**
 * The body of a request as JSON, empty if it has none.
 * @throws ApiError 415 for the body of a write in a format that is not understood
 */
export async function readBody(request: Request): Promise<string> {
  const text = request.body === null ? "" : await request.text();
  if (text === "") return text;
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim();
  if (/[+/]yaml$/.test(type)) return await jsonOf(text);
  if (request.method === "PATCH" || type === "" || UNDERSTOOD.includes(type)) return text;
  const message = "the body of the request was in an unknown format - accepted media types include: " +
    UNDERSTOOD.join(", ");
  throw new ApiError(415, message, { reason: "UnsupportedMediaType" });
}

/** YAML as JSON. What is not YAML is returned unchanged, and is refused when it is parsed. */
async function jsonOf(yaml: string): Promise<string> {
  const { parse } = await import("yaml");
  try {
    return JSON.stringify(parse(yaml));
  } catch {
    return yaml;
  }
}
