import { HostFactoryError } from "../errors.ts";
import type { Explained } from "./messages.ts";
import type { Readers } from "./readers.ts";

/** The page as it was built, and what its Content-Security-Policy allows: see `built_page.ts`. */
export interface BuiltPage {
  html: string;
  /** SHA-256 in base64, of its script and its style. */
  scriptHash: string;
  styleHash: string;
}

export interface PageOptions {
  /** Loads the page, once it is asked for. */
  load: () => Promise<BuiltPage>;
  readers: Readers;
  /** What is known of a machine, request, return request or node; `undefined` if there is nothing of that name. */
  explain: (name: string) => Promise<Explained | undefined>;
}

const EXPLAIN = "/page/explain/";

/** Answers the page's requests, none of which changes anything. */
export class Page {
  readonly #options: PageOptions;
  #built: Promise<BuiltPage> | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
  }

  /** Answers a request; `undefined` if it is not for the page. */
  readonly answer = async (request: Request): Promise<Response | undefined> => {
    const { pathname } = new URL(request.url);
    const isPage = pathname === "/" && (request.headers.get("accept") ?? "").includes("text/html");
    if (!isPage && !pathname.startsWith("/page/")) return undefined;
    if (isPage) return await this.#html();
    if (!isSameOrigin(request)) return plain(403, "Only the page itself may ask for this");
    if (pathname === "/page/stream") return this.#stream();
    if (pathname.startsWith(EXPLAIN)) return await this.#explained(pathname.slice(EXPLAIN.length));
    return plain(404, "There are /page/stream and /page/explain/NAME");
  };

  /** The HTML. It needs no token, because it contains only the program that fetches the data, and no data. */
  async #html(): Promise<Response> {
    const { html, scriptHash, styleHash } = await (this.#built ??= this.#options.load());
    const policy = [
      "default-src 'none'",
      `script-src 'sha256-${scriptHash}'`,
      `style-src 'sha256-${styleHash}'`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
    return new Response(html, {
      headers: {
        ...COMMON,
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
      },
    });
  }

  #stream(): Response {
    const stream = this.#options.readers.open();
    if (!stream) return plain(503, "Too many pages are open: close some");
    return new Response(stream, { headers: { ...COMMON, "content-type": "text/event-stream" } });
  }

  async #explained(encoded: string): Promise<Response> {
    const name = decoded(encoded);
    if (name === undefined) return plain(400, "That is no name");
    try {
      const explained = await this.#options.explain(name);
      if (!explained) return plain(404, "No machine, request, return request or node has this name");
      return new Response(JSON.stringify(explained), { headers: { ...COMMON, "content-type": "application/json" } });
    } catch (error) {
      if (error instanceof HostFactoryError) return plain(503, error.message);
      throw error;
    }
  }
}

/** False for a request that a browser sends for a page of another origin. Other clients send no origin. */
function isSameOrigin({ url, headers }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return false;
  const origin = headers.get("origin");
  return origin === null || origin === new URL(url).origin;
}

const COMMON = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

function plain(status: number, why: string): Response {
  return new Response(`${why}\n`, { status, headers: { ...COMMON, "content-type": "text/plain; charset=utf-8" } });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
