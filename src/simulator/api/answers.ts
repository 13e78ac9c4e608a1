import type { Stored } from "../store/stored.ts";
import { tableOf } from "./table.ts";

export const JSON_HEADERS: Record<string, string> = { "content-type": "application/json" };

/** An answer in JSON. */
export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_HEADERS, ...headers } });
}

/** An answer in plain text. */
export function textAnswer(status: number, body: string): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** An answer with one object, or with a table of it if the client prefers that. */
export function objectAnswer(
  { kind, apiVersion }: { kind: string; apiVersion: string },
  { object, request, now, code = 200 }: { object: Stored; request: Request; now: number; code?: number },
): Response {
  const { resourceVersion } = object.metadata;
  if (wantsTable(request)) return jsonAnswer(code, tableOf(kind, [object], { resourceVersion }, now));
  return jsonAnswer(code, { kind, apiVersion, ...object });
}

/** True if the client, such as kubectl, prefers a table to the objects. */
export function wantsTable(request: Request): boolean {
  return request.headers.get("accept")?.includes("as=Table") ?? false;
}
