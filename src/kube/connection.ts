import { type Clock, NOT_NEEDED } from "../clock.ts";
import { ClusterTime } from "./cluster_time.ts";
import { KubeError } from "./errors.ts";
import { parseStatus, sortFailure } from "./failure.ts";
import type { Login, LoginSource } from "./login.ts";
import type { Network, Transport } from "./network.ts";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** Until when the whole answer must be here (for a stream: its beginning), in milliseconds. Default: 30 s. */
  timeoutMs?: number;
}

/** An answer whose body is still coming. */
export interface OpenStream {
  body: ReadableStream<Uint8Array>;
  /** Ends the connection, at any time and as often as one likes. Without it, it stays open. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * HTTP to one API server: logs in, keeps connections, watches the time, sorts what goes wrong. Throws KubeError and
 * nothing else, but for aborts, which throw the signal's reason. Stateless in that nothing is done before the first call.
 */
export class Connection {
  readonly #logins: LoginSource;
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #time = new ClusterTime();
  #transport: { key: string; transport: Transport } | undefined;

  constructor(options: { logins: LoginSource; network: Network; clock: Clock }) {
    this.#logins = options.logins;
    this.#network = options.network;
    this.#clock = options.clock;
  }

  /** The cluster's time: see `Kube`. */
  now(): number | undefined {
    return this.#time.at(this.#clock.monotonic());
  }

  /** One call, and its answer as parsed JSON. `{namespace}` in `path` stands for the namespace of the login. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    return await this.#withDeadline(options, async (deadline) => {
      const response = await this.#send(method, path, { ...options, deadline });
      const text = await readText(response, deadline);
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new KubeError("unavailable", `The answer to ${method} ${path} is not JSON or was cut short`, {
          cause: error,
        });
      }
    });
  }

  /** Asks for an answer that goes on and on. It ends with `signal` too, until `close` is called. */
  async open(path: string, options: RequestOptions = {}): Promise<OpenStream> {
    const lifetime = new AbortController();
    const { signal } = options;
    const abort = () => lifetime.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const release = () => signal?.removeEventListener("abort", abort);
    try {
      const response = await this.#withDeadline(
        options,
        (deadline) => {
          const giveUp = () => lifetime.abort(deadline.reason);
          deadline.addEventListener("abort", giveUp, { once: true });
          return this.#send("GET", path, { ...options, deadline: lifetime.signal })
            .finally(() => deadline.removeEventListener("abort", giveUp));
        },
      );
      if (!response.body) throw new KubeError("unavailable", `The answer to GET ${path} is empty`);
      const close = () => {
        release();
        lifetime.abort(new DOMException("the stream was closed", "AbortError"));
      };
      return { body: response.body, close };
    } catch (error) {
      release();
      lifetime.abort(error);
      throw error;
    }
  }

  /** Lets go of idle connections; the next call makes new ones. For connections that are suspected to be dead. */
  reset(): void {
    this.#transport?.transport.close();
    this.#transport = undefined;
  }

  /** Sends a request and, should the server not know us, once more with what we have read anew. */
  async #send(
    method: string,
    path: string,
    options: RequestOptions & { deadline: AbortSignal },
  ): Promise<Response> {
    let login = await raceAbort(this.#logins.current(), options.deadline);
    for (let attempt = 1;; attempt++) {
      const askedMs = this.#clock.monotonic();
      const response = await this.#fetch(login, { method, path, options });
      const time = { askedMs, heardMs: this.#clock.monotonic() };
      const date = response.headers.get("date");
      if (response.ok) {
        this.#time.heard(date, time);
        return response;
      }
      const body = await readText(response, options.deadline);
      // What answers in the API server's place may have another clock.
      if (parseStatus(body)) this.#time.heard(date, time);
      const failure = sortFailure({
        code: response.status,
        body,
        retryAfter: response.headers.get("retry-after"),
        method,
        source: login.source,
      });
      if (response.status !== 401) throw failure;
      this.#logins.rejected(login);
      if (attempt > 1) throw failure;
      const next = await raceAbort(this.#logins.current(), options.deadline);
      if (keyOf(next) === keyOf(login)) throw failure;
      login = next;
    }
  }

  async #fetch(
    login: Login,
    { method, path, options }: { method: string; path: string; options: RequestOptions & { deadline: AbortSignal } },
  ): Promise<Response> {
    const { query = {}, body, deadline } = options;
    const url = new URL(login.server + path.replace("{namespace}", encodeURIComponent(login.namespace)));
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: [string, string][] = [["accept", "application/json"], ["user-agent", "hostfactory"]];
    for (const [name, value] of login.headers) headers.push([name, value]);
    const init: RequestInit = { method, headers, signal: deadline, redirect: "manual" };
    if (body !== undefined) {
      headers.push(["content-type", method === "PATCH" ? "application/merge-patch+json" : "application/json"]);
      init.body = JSON.stringify(body);
    }
    const transport = this.#transportFor(login);
    try {
      return await raceAbort(transport.fetch(url.href, init), deadline);
    } catch (error) {
      if (deadline.aborted) throw deadline.reason;
      throw explainNetworkError(error, login);
    }
  }

  /** The connections that fit the login. Those of an earlier login are closed as soon as its last call has ended. */
  #transportFor(login: Login): Transport {
    const key = JSON.stringify(login.transport);
    if (this.#transport?.key !== key) {
      const transport = this.#network(login.transport);
      this.reset();
      this.#transport = { key, transport };
    }
    return this.#transport!.transport;
  }

  /** Runs `call` with a signal that aborts when the caller's does or when time is up. */
  async #withDeadline<T>(
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions,
    call: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const deadline = new AbortController();
    const timer = new AbortController();
    const abort = () => deadline.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#clock.sleep(timeoutMs, timer.signal).then(() => {
      // Its connection may be half-open, and so may the idle ones beside it.
      this.reset();
      deadline.abort(new KubeError("unavailable", `The API server did not answer within ${timeoutMs / 1000} s`));
    }, () => {});
    try {
      return await call(deadline.signal);
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      throw error;
    } finally {
      timer.abort(NOT_NEEDED);
      signal?.removeEventListener("abort", abort);
    }
  }
}

function keyOf({ server, headers, transport }: Login): string {
  return JSON.stringify([server, headers, transport]);
}

/** Reads a body to its end. @throws KubeError `unavailable` where it breaks off, the signal's reason where that aborts */
async function readText(response: Response, signal: AbortSignal): Promise<string> {
  try {
    return await raceAbort(response.text(), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new KubeError("unavailable", `The connection to the API server broke off: ${shorten(error)}`, {
      cause: error,
    });
  }
}

/** `promise`, or the signal's reason as soon as it aborts, for a network that does not listen to signals itself. */
function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function explainNetworkError(error: unknown, login: Login): KubeError {
  if (error instanceof KubeError) return error;
  const why = shorten(error);
  const server = new URL(login.server).origin;
  const { ca, clientCertificate } = login.transport.origin ?? {};
  if (
    /received fatal alert: (CertificateRequired|BadCertificate|CertificateUnknown|CertificateExpired|CertificateRevoked|UnknownCA|UnsupportedCertificate|AccessDenied)/
      .test(why)
  ) {
    return new KubeError(
      "unauthorised",
      `The API server at ${server} refuses the client certificate from ${clientCertificate ?? login.source}: ${why}`,
      { cause: error },
    );
  }
  if (/invalid peer certificate: UnknownIssuer/.test(why)) {
    return new KubeError(
      "unavailable",
      `The certificate of the API server at ${server} is signed by none of the authorities in ${
        ca ?? "the system's list"
      }`,
      { cause: error },
    );
  }
  return new KubeError("unavailable", `Cannot reach the API server at ${server}: ${why}`, {
    cause: error,
    ...(login.transport.proxy ? { hint: "a proxy is on the way: check --proxy, HTTPS_PROXY and NO_PROXY" } : {}),
  });
}

/** The innermost reason of what fetch says, without the URL, which is long and tells nothing. */
function shorten(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^error sending request .*?: (client error \(\w+\): )/, "").replace(/^connection error: /, "")
    .replace(/ \(os error \d+\)$/, "");
}
