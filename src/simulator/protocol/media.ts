import { ApiError } from "./status.ts";

/** What the body of a request may be, and what it is answered with. The real one speaks protobuf and CBOR, too. */
const SPOKEN = "application/json";
const UNDERSTOOD = ["application/json", "application/yaml"];

/**
 * Whether a client takes JSON, so that one that would rather have protobuf gets that, and one that insists on it is told.
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

/** What is no YAML stays as it is, to be refused by its reader. */
async function jsonOf(yaml: string): Promise<string> {
  const { parse } = await import("yaml");
  try {
    return JSON.stringify(parse(yaml));
  } catch {
    return yaml;
  }
}
