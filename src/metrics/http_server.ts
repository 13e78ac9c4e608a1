import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError } from "../errors.ts";
import { GatheringLog, logger } from "../log.ts";
import { isOwnHost } from "../own_host.ts";
import type { HealthAnswer } from "./health.ts";
import type { Monitor } from "./monitor.ts";
import type { TokenCheck } from "./token.ts";

/** Where to serve: on a port, with HTTPS if there is a certificate, or on a socket that only this user can open. */
export type Address =
  | {
    hostname: string;
    /** 0, in tests: any free port. */
    port: number;
    /** PEM. */
    tls?: { cert: string; key: string } | undefined;
  }
  | { path: string };

/** How often to try again if the port is taken, in milliseconds: an earlier `serve` may be ending. */
const TRY_EVERY_MS = 30_000;

/** The longest URL that gets an answer, in characters. */
const LONGEST_URL = 1_000;

/** What is served at an address, and to whom. */
export interface Offer {
  monitor: Monitor;
  /** Absent: there is no page. */
  page?: Page | undefined;
  /** Why there is no page, as a sentence. */
  pageRefusal?: string | undefined;
  /** The token that metrics and the page's data need; absent: none. Health never needs one. */
  token?: TokenCheck | undefined;
}

/** Answers requests for the page; `undefined` for all other requests. */
export type Page = (request: Request) => Promise<Response | undefined>;

/** The paths that need no token. */
const HEALTH = ["/healthz", "/livez", "/readyz"];

const PLAIN = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const log = logger("metrics");
const unread = new GatheringLog("metrics", "Refused: the token of --http-token-file cannot be read", {
  of: "requests",
  isTriedAgain: true,
});

/**
 * Serves metrics and health until `signal` aborts. If the port is taken, logs that once and tries again.
 * @param options `began` is told the port
 */
export async function serveHttp(
  address: Address,
  { clock, signal, began, ...offer }: Offer & {
    clock: Clock;
    signal: AbortSignal;
    began?: (port: number) => void;
  },
): Promise<void> {
  const hostname = "path" in address ? "localhost" : address.hostname;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const stop = new AbortController();
    const server = listen(address, {
      handler: (request) => answer(request, { address: { hostname }, clock, ...offer }),
      signal: stop.signal,
      isFirst,
    });
    if (server) {
      const { addr } = server;
      const port = "port" in addr ? addr.port : undefined;
      log.info("Metrics and health are served", { address: "path" in address ? address.path : hostname, port });
      if (port !== undefined) began?.(port);
    }
    await clock.sleep(server ? Infinity : TRY_EVERY_MS, signal).catch(() => {});
    stop.abort(NOT_NEEDED);
    await server?.finished;
  }
}

function listen(
  address: Address,
  { handler, signal, isFirst }: {
    handler: (request: Request) => Promise<Response>;
    signal: AbortSignal;
    isFirst: boolean;
  },
): Deno.HttpServer<Deno.Addr> | undefined {
  const common = { signal, onListen() {}, onError: () => new Response(null, { status: 500 }) };
  try {
    if ("path" in address) return listenAt(address.path, { ...common, handler });
    const { tls, ...place } = address;
    return Deno.serve({ ...place, ...common, ...tls }, handler);
  } catch (error) {
    if (isFirst) {
      const where = "path" in address ? { address: address.path } : { address: address.hostname, port: address.port };
      log.warn("Metrics and health are not served: give --prometheus-port a port that is free, or 0", {
        ...where,
        error: describeError(error),
      });
    }
    return undefined;
  }
}

/** Makes the socket with its final mode from the start, so that no other user can open it in between. */
function listenAt(
  path: string,
  { handler, ...options }: Omit<Deno.ServeUnixOptions, "path"> & { handler: (request: Request) => Promise<Response> },
): Deno.HttpServer<Deno.UnixAddr> {
  const before = Deno.umask(0o177);
  try {
    return Deno.serve({ ...options, path }, handler);
  } finally {
    Deno.umask(before);
  }
}

/** Answers one request: only GET, only for hosts that are ours, and never so that a page of another origin can read it. */
export async function answer(
  request: Request,
  { address, monitor, clock, page, pageRefusal, token }: Offer & { address: { hostname: string }; clock: Clock },
): Promise<Response> {
  if (request.method !== "GET") return refused(405, "Only GET", { allow: "GET" });
  if (request.url.length > LONGEST_URL) return refused(414, "The URL is too long");
  const url = URL.parse(request.url); // A request may name no host at all.
  const hosts = [url?.host ?? "", request.headers.get("host") ?? url?.host ?? ""];
  if (!url || !hosts.every((host) => isOwnHost(host, address.hostname))) {
    return refused(421, "Call it by an IP address, localhost, or the name that --prometheus-addr gives");
  }
  const { pathname } = url;
  const isPage = pathname === "/" && (request.headers.get("accept") ?? "").includes("text/html");
  if (pageRefusal !== undefined && (isPage || pathname.startsWith("/page/"))) return refused(403, pageRefusal);
  // The page itself holds nothing but the program that asks for the rest, and for the token.
  const refusal = token && !isPage && !HEALTH.includes(pathname) ? await refuseWithout(token, request) : undefined;
  if (refusal) return refusal;
  const paged = await page?.(request);
  if (paged) return paged;
  switch (pathname) {
    case "/":
    case "/metrics":
      return await metrics(request, { monitor, clock });
    case "/healthz":
      return healthResponse(monitor.health.overall());
    case "/livez":
      return healthResponse(monitor.health.live());
    case "/readyz":
      return healthResponse(monitor.health.ready());
    default:
      return refused(404, "There are /metrics, /healthz, /livez and /readyz, and the page at / for a browser");
  }
}

/** The answer to a request without the right token; `undefined` if it has that. */
async function refuseWithout(token: TokenCheck, request: Request): Promise<Response | undefined> {
  try {
    if (await token(request)) return undefined;
    return refused(401, "It wants the token of --http-token-file", { "www-authenticate": "Bearer" });
  } catch (error) {
    unread.note(`GET ${request.url}`, () => ({ error: describeError(error) }));
    return refused(503, "The file of --http-token-file cannot be read: see the log of serve");
  }
}

async function metrics(request: Request, { monitor, clock }: { monitor: Monitor; clock: Clock }): Promise<Response> {
  const isOpenMetrics = request.headers.get("accept")?.includes("application/openmetrics-text") ?? false;
  const page = await monitor.page({ isOpenMetrics });
  return new Response(piecemeal(page, clock), { headers: headers(isOpenMetrics ? OPEN_METRICS : PLAIN) });
}

/** A body that is sent and compressed piece by piece, so that the rest of the process goes on in between. */
function piecemeal(pieces: readonly Uint8Array[], clock: Clock): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      const piece = pieces[next++];
      if (piece === undefined) return controller.close();
      controller.enqueue(piece);
      await clock.sleep(0);
    },
  });
}

function healthResponse({ isGood, reasons }: HealthAnswer): Response {
  const body = `${JSON.stringify({ status: isGood ? "ok" : "failed", reasons })}\n`;
  return new Response(body, { status: isGood ? 200 : 503, headers: headers("application/json") });
}

function refused(status: number, why: string, more: Record<string, string> = {}): Response {
  return new Response(`${why}\n`, { status, headers: { ...headers("text/plain; charset=utf-8"), ...more } });
}

function headers(type: string): Record<string, string> {
  return { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" };
}
