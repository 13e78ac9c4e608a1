import type { Clock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import { parseJson, readText } from "./answer_text.ts";
import { type Admit, placeKeyOf, placeOf } from "../cluster_place.ts";
import { ClusterTime } from "../cluster_time.ts";
import { KubeError } from "../errors.ts";
import { isNotGranted, parseStatus, sortFailure } from "../failure.ts";
import { withDeadline } from "./deadline.ts";
import type { Login, LoginSource } from "./login.ts";
import type { Network, Transport } from "./transport.ts";
import { explainNetworkError } from "./network_failure.ts";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** How long the whole answer may take (of a stream: its beginning), in milliseconds. Default: 30 s. */
  timeoutMs?: number;
  /** True: `beforeChange` is not called, because this may change the cluster whichever process owns the instance. */
  isUnfenced?: boolean;
}

export interface ConnectionOptions {
  logins: LoginSource;
  network: Network;
  clock: Clock;
  /** Called right before anything that changes the cluster is sent; if it throws, nothing is sent. */
  beforeChange?: (() => void) | undefined;
  /**
   * Asked about each place that a login leads to, before anything else is sent there. Absent: every place is admitted.
   */
  admit?: Admit | undefined;
}

/** An answer whose body is still coming. */
export interface OpenStream {
  body: ReadableStream<Uint8Array>;
  /** Closes the connection, which otherwise stays open. May be called at any time, and more than once. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** How long the refusal of a place holds before it is judged again, in milliseconds. */
const REFUSED_MS = 2_000;

type Deadlined = RequestOptions & { deadline: AbortSignal };

/**
 * HTTP to one API server: logs in, keeps connections, enforces time limits, and turns failures into errors. Throws
 * KubeError and nothing else, except that an abort throws the signal's reason. Does nothing before the first call.
 */
export class Connection {
  readonly #logins: LoginSource;
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #time = new ClusterTime();
  readonly #beforeChange: () => void;
  readonly #admit: Admit | undefined;
  #transport: { login: Login; key: string; transport: Transport } | undefined;
  /** The last place that was judged; `untilMs` says until when that holds, on the monotonic clock. */
  #judged: { login: Login; key: string; verdict: Promise<void>; untilMs: number } | undefined;

  constructor(options: ConnectionOptions) {
    this.#logins = options.logins;
    this.#network = options.network;
    this.#clock = options.clock;
    this.#beforeChange = options.beforeChange ?? (() => {});
    this.#admit = options.admit;
  }

  /** The cluster's time: see `Kube`. */
  now(): number | undefined {
    return this.#time.at(this.#clock.monotonic());
  }

  /** The namespace of the login, for callers that need it elsewhere than in a path. */
  async namespace(options: Pick<RequestOptions, "signal" | "timeoutMs"> = {}): Promise<string> {
    return await this.#withDeadline(
      options,
      async () => (await this.#logins.current()).namespace,
    );
  }

  /** One call, and its answer as parsed JSON. `{namespace}` in `path` stands for the namespace of the login. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    return await this.#withDeadline(options, async (deadline) => {
      const response = await this.#send(method, path, { ...options, deadline });
      return parseJson(await readText(response), `${method} ${path}`);
    });
  }

  /** Asks for an answer without an end. It ends when `signal` aborts, or when `close` is called. */
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

  /** Judges the place that our login leads to again. @throws KubeError if it is not admitted */
  async verify(options: Pick<RequestOptions, "signal" | "timeoutMs"> = {}): Promise<void> {
    if (!this.#admit) return;
    await this.#withDeadline(options, async (deadline) => {
      const login = await this.#logins.current();
      deadline.throwIfAborted();
      this.#judged = undefined;
      await this.#admitted(login);
    });
  }

  /** Closes idle connections, which may be dead; the next call makes new ones. */
  reset(): void {
    this.#transport?.transport.close();
    this.#transport = undefined;
  }

  /** Sends a request to a place that is admitted. */
  async #send(method: string, path: string, options: Deadlined): Promise<Response> {
    const login = await this.#logins.current();
    options.deadline.throwIfAborted();
    await this.#admitted(login);
    return await this.#exchange(login, { method, path, options });
  }

  /** Resolves once the place is admitted; judges it unless that has been done. */
  async #admitted(login: Login): Promise<void> {
    const admit = this.#admit;
    if (!admit) return;
    const key = this.#judged?.login === login ? this.#judged.key : placeKeyOf(login);
    if (this.#judged?.key !== key || this.#clock.monotonic() >= this.#judged.untilMs) {
      const judged = { login, key, verdict: this.#judge(login, admit), untilMs: Infinity };
      this.#judged = judged;
      judged.verdict.catch(() => void (judged.untilMs = this.#clock.monotonic() + REFUSED_MS));
    }
    this.#judged.login = login;
    await this.#judged.verdict;
  }

  async #judge(login: Login, admit: Admit): Promise<void> {
    await this.#withDeadline({}, async (deadline) => {
      const uidOf = (path: string) => this.#uidAt(login, { path, deadline });
      const place = placeOf(login);
      const namespaceUid = await uidOf("/api/v1/namespaces/{namespace}");
      if (namespaceUid === undefined) throw noNamespace(login);
      if (namespaceUid !== "") place.namespaceUid = namespaceUid;
      else place.clusterUid = await uidOf("/api/v1/namespaces/kube-system") || undefined;
      await admit(place, (pod) => uidOf(`/api/v1/namespaces/{namespace}/pods/${encodeURIComponent(pod)}`));
    });
  }

  /** The uid of an object: empty if we may not see it, `undefined` if it does not exist. */
  async #uidAt(login: Login, { path, deadline }: { path: string; deadline: AbortSignal }): Promise<string | undefined> {
    try {
      const response = await this.#exchange(login, { method: "GET", path, options: { deadline } });
      const uid: unknown = parseJson(await readText(response), `GET ${path}`)?.metadata?.uid;
      if (typeof uid === "string") return uid;
    } catch (error) {
      if (error instanceof KubeError && error.kind === "notFound") return undefined;
      if (isNotGranted(error)) return "";
      throw error;
    }
    throw new KubeError("unavailable", `The answer to GET ${path} is not an object of Kubernetes`);
  }

  /**
   * Sends a request. If the server does not accept the login, reads it again and, if it leads to the same place, tries
   * once more.
   */
  async #exchange(
    given: Login,
    { method, path, options }: { method: string; path: string; options: Deadlined },
  ): Promise<Response> {
    let login = given;
    for (let attempt = 1;; attempt++) {
      const askedMs = this.#clock.monotonic();
      const response = await this.#fetch(login, { method, path, options });
      const time = { askedMs, heardMs: this.#clock.monotonic() };
      const date = response.headers.get("date");
      if (response.ok) {
        this.#time.heard(date, time);
        return response;
      }
      const body = await readText(response);
      // Something else that answers instead of the API server may have another clock.
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
      const next = await this.#logins.current();
      if (keyOf(next) === keyOf(login) || placeKeyOf(next) !== placeKeyOf(login)) throw failure;
      login = next;
    }
  }

  async #fetch(
    login: Login,
    { method, path, options }: { method: string; path: string; options: Deadlined },
  ): Promise<Response> {
    const { query = {}, body, deadline } = options;
    deadline.throwIfAborted();
    const url = login.server + path.replace("{namespace}", encodeURIComponent(login.namespace)) + queryText(query);
    const headers: [string, string][] = [["accept", "application/json"], ["user-agent", "hostfactory"]];
    for (const [name, value] of login.headers) headers.push([name, value]);
    const init: RequestInit = { method, headers, signal: deadline, redirect: "manual" };
    if (body !== undefined) {
      headers.push(["content-type", method === "PATCH" ? "application/merge-patch+json" : "application/json"]);
      init.body = JSON.stringify(body);
    }
    const transport = this.#transportFor(login);
    if (method !== "GET" && !options.isUnfenced) this.#mayChange();
    try {
      return await transport.fetch(url, init);
    } catch (error) {
      if (deadline.aborted) throw deadline.reason;
      throw explainNetworkError(error, login);
    }
  }

  #mayChange(): void {
    try {
      this.#beforeChange();
    } catch (error) {
      throw new KubeError("unavailable", describeError(error), { cause: error });
    }
  }

  /** The connections for this login. Those of an earlier login are closed as soon as its last call has ended. */
  #transportFor(login: Login): Transport {
    // Usually it is the same login, and comparing its certificates would take long.
    if (this.#transport?.login === login) return this.#transport.transport;
    const key = JSON.stringify(login.transport);
    if (this.#transport?.key !== key) {
      const transport = this.#network(login.transport);
      this.reset();
      this.#transport = { login, key, transport };
    }
    this.#transport!.login = login;
    return this.#transport!.transport;
  }

  /** See `withDeadline`. */
  #withDeadline<T>(
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions,
    call: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const expired = () => {
      // The connection may be half-open, and so may the idle ones beside it.
      this.reset();
      return new KubeError("unavailable", `The API server did not answer within ${timeoutMs / 1000} s`);
    };
    return withDeadline({ clock: this.#clock, signal, timeoutMs, expired }, call);
  }
}

function queryText(query: NonNullable<RequestOptions["query"]>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&")}`;
}

function noNamespace({ namespace, server, source }: Login): KubeError {
  return new KubeError("unavailable", `Namespace '${namespace}' does not exist in the cluster at ${server}`, {
    hint: `create it, name another one with --namespace, or correct the context of ${source}`,
  });
}

function keyOf({ server, headers, transport }: Login): string {
  return JSON.stringify([server, headers, transport]);
}
