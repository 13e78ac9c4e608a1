import { ApiError, badRequest, expired, timeout } from "../protocol/status.ts";
import { keyOf, type Stored } from "../store/stored.ts";
import type { WatchCache } from "../store/watch_cache.ts";

/** One page that is asked for. */
export interface ListRequest<T extends Stored> {
  cache: WatchCache<T>;
  namespace: string;
  selects: (object: T) => boolean;
  /**
   * True if anything but the namespace is selected. Then the remaining items are not counted, as in the real API
   * server.
   */
  isSelective: boolean;
  limit: number;
  /** Empty for the first page. */
  continueToken: string;
  /** As given; empty for the most recent state. */
  resourceVersion: string;
  match: string;
  /** Answer from this revision instead of the most recent: a fault. */
  staleRevision: number | undefined;
}

export interface Page<T> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

const TOO_OLD =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the " +
  "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing " +
  "with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the " +
  "time the first chunk was returned and now may show up in the list.";

/**
 * One page of a list. All pages of one list show the same moment.
 * @throws ApiError 400 for an invalid token, 410 for a token whose moment is forgotten
 */
export function listPage<T extends Stored>(request: ListRequest<T>): Page<T> {
  const { cache, limit } = request;
  const token = request.continueToken === "" ? undefined : readToken(request.continueToken);
  const revision = token ? revisionOfToken(token, cache) : revisionOf(request);
  const all = cache.at(revision);
  const items: T[] = [];
  let remaining = 0;
  let next: string | undefined;
  const prefix = `${request.namespace}/`;
  for (const object of all) {
    const key = keyOf(object);
    if (request.namespace !== "" && !key.startsWith(prefix)) continue;
    if (token && key < token.start) continue;
    if (!request.selects(object)) continue;
    if (limit > 0 && items.length === limit) {
      next ??= `${keyOf(items.at(-1)!)}\u0000`;
      if (request.isSelective) break;
      remaining++;
    } else items.push(object);
  }
  const metadata: Page<T>["metadata"] = { resourceVersion: String(revision) };
  if (next !== undefined) {
    metadata.continue = writeToken({ rv: revision, start: next });
    if (!request.isSelective) metadata.remainingItemCount = remaining;
  }
  return { metadata, items };
}

function revisionOf<T extends Stored>({ cache, resourceVersion, match, staleRevision }: ListRequest<T>): number {
  if (resourceVersion === "" || resourceVersion === "0") return staleRevision ?? cache.revision;
  if (!/^\d+$/.test(resourceVersion)) {
    throw badRequest(`invalid resource version: ${notANumber(resourceVersion)}`);
  }
  const asked = Number(resourceVersion);
  if (asked > cache.revision) throw tooLarge(asked, cache.revision);
  return match === "Exact" ? asked : Math.max(asked, staleRevision ?? cache.revision);
}

/** The error for a future revision; the real one waits three seconds for it first. */
function tooLarge(asked: number, current: number): ApiError {
  return timeout(`Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** How the real API server words that a resource version is not a number. */
export function notANumber(resourceVersion: string): string {
  const value = JSON.stringify(resourceVersion);
  return `resourceVersion: Invalid value: ${value}: strconv.ParseUint: parsing ${value}: invalid syntax`;
}

interface Token {
  /** -1: the most recent state, whatever the pages before showed. */
  rv: number;
  /** The first key of the page. */
  start: string;
}

function revisionOfToken(token: Token, cache: { revision: number; oldestRevision: number }): number {
  if (token.rv === -1) return cache.revision;
  if (token.rv > cache.revision) throw tooLarge(token.rv, cache.revision);
  if (token.rv < cache.oldestRevision) throw expiredPage(token);
  return token.rv;
}

/** The 410 for a page, with a token that continues from the most recent state. */
function expiredPage(token: Token): ApiError {
  return expired(TOO_OLD, { continue: writeToken({ rv: -1, start: token.start }) });
}

/**
 * The error for a page whose token is too old, whether it is or not: a fault.
 * @throws ApiError 400 for an invalid token
 */
export function expiredToken(continueToken: string): ApiError {
  return expiredPage(readToken(continueToken));
}

/** A token for a page that begins with the first object. */
export function firstToken({ namespace }: { namespace: string }, revision: number): string {
  return writeToken({ rv: revision, start: `${namespace}/` });
}

function writeToken({ rv, start }: Token): string {
  const json = JSON.stringify({ v: "meta.k8s.io/v1", rv, start });
  return btoa(json).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function readToken(text: string): Token {
  let json: string;
  try {
    json = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw badRequest("invalid continue token: continue key is not valid: illegal base64 data at input byte 0");
  }
  try {
    const { rv, start } = JSON.parse(json);
    if (typeof rv === "number" && typeof start === "string") return { rv, start };
  } catch { /* Reported below. */ }
  const first = json.charAt(0);
  const shown = first < " " || first > "~" ? `\\u${first.charCodeAt(0).toString(16).padStart(4, "0")}` : first;
  throw badRequest(
    `invalid continue token: continue key is not valid: invalid character '${shown}' looking for beginning of value`,
  );
}
