import { ApiError } from "./status.ts";

/** The port that a host without one stands for. */
const HTTP_PORT = 80;

/**
 * Keeps web pages that somebody visits from calling the simulator: a page of another origin, and one whose name was made to
 * lead here (DNS rebinding). Clients of Kubernetes come with neither `Origin` nor `Sec-Fetch-Site`.
 */
export class BrowserGuard {
  readonly #names: ReadonlySet<string>;
  readonly #port: number;

  /** @param options `names`: what the simulator is called by, beside `localhost` and every IP address */
  constructor({ names, port }: { names: string[]; port: number }) {
    this.#names = new Set(["localhost", ...names].map((name) => name.toLowerCase()));
    this.#port = port;
  }

  /** @throws ApiError 421 where the request is for another host, 403 where a page of another origin sent it */
  check({ url, headers }: Request): void {
    // The authority of HTTP/2, or of a whole URL in the request line of HTTP/1, need not be the Host header's.
    const authority = url.replace(/^https?:\/\//, "").replace(/\/.*$/s, "");
    const host = headers.get("host") ?? authority;
    for (const asked of [authority, host]) {
      if (!this.#isOurs(asked)) throw misdirected(asked, this.#port);
    }
    const origin = headers.get("origin");
    if (origin !== null && origin.toLowerCase() !== `http://${host.toLowerCase()}`) throw crossSite(`'${origin}'`);
    if (headers.get("sec-fetch-site") === "cross-site") throw crossSite("another site");
  }

  #isOurs(host: string): boolean {
    const [, name = "", port = HTTP_PORT] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d+))?$/.exec(host.toLowerCase()) ?? [];
    return Number(port) === this.#port && (isAddress(name) || this.#names.has(name));
  }
}

function isAddress(name: string): boolean {
  return name.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

function misdirected(host: string, port: number): ApiError {
  return new ApiError(
    421,
    `The simulator does not answer for host '${host}': call it by an IP address, localhost, this machine's name ` +
      `or the address given by --listen, with port ${port}`,
  );
}

function crossSite(origin: string): ApiError {
  return new ApiError(403, `The simulator does not answer web pages of ${origin}`, { reason: "Forbidden" });
}
