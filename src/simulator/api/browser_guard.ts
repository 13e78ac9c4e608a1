import { ApiError } from "../protocol/status.ts";

/** The port of a host without one. */
const HTTP_PORT = 80;

/**
 * Keeps web pages that a developer visits from calling the simulator: pages of another origin, and pages whose host
 * name was made to resolve to this machine (DNS rebinding). Kubernetes clients send neither `Origin` nor
 * `Sec-Fetch-Site`.
 */
export class BrowserGuard {
  readonly #names: ReadonlySet<string>;
  readonly #port: number;

  /** @param options `names`: the host names of the simulator, in addition to `localhost` and every IP address */
  constructor({ names, port }: { names: string[]; port: number }) {
    this.#names = new Set(["localhost", ...names].map((name) => name.toLowerCase()));
    this.#port = port;
  }

  /** @throws ApiError 421 if the request is for another host, 403 if a page of another origin sent it */
  check({ url, headers }: Request): void {
    // HTTP/2 has an authority, and HTTP/1 may have a whole URL in its request line; either may differ from the Host
    // header.
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
