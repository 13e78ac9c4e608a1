import type { Clock } from "../clock.ts";
import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import { readBody } from "../kube/transport/answer_text.ts";
import { withDeadline } from "../kube/transport/deadline.ts";
import { shorten } from "../kube/transport/network_failure.ts";
import { raceAbort } from "../kube/transport/race_abort.ts";
import type { Network, Transport, TransportOptions } from "../kube/transport/transport.ts";
import type { Random } from "../random.ts";
import { Breaker } from "./breaker.ts";
import type { Extension, HookKind } from "./extension.ts";
import { guardedAddress } from "./guarded_address.ts";
import { idempotencyKey, sign } from "./signature.ts";
import { Turns } from "./turns.ts";

/** How many calls of one extension may be in flight at once. */
const CALLS_AT_ONCE = 32;

/** How large an answer may be for each of its machines, in bytes. */
const ANSWER_BYTES = 1024 * 1024;

/** Statuses below 500 after which another try may help. */
const TEMPORARY = [408, 425, 429];

/** The answer of an extension. */
export interface HookAnswer {
  status: number;
  text: string;
  /** The value of `retry-after` in milliseconds, if it is a number of seconds. */
  retryAfterMs: number | undefined;
}

/** An extension did not answer, or answered with a temporary failure; another try may help. */
export class HookUnavailable extends Error {
  override readonly name = "HookUnavailable";
  /** The least wait before the next try, in milliseconds. */
  readonly waitMs: number;
  /** Its answer, if there was one. */
  readonly answer: HookAnswer | undefined;

  constructor(message: string, { waitMs = 0, answer }: { waitMs?: number; answer?: HookAnswer } = {}) {
    super(message);
    this.waitMs = waitMs;
    this.answer = answer;
  }
}

/** One call of a hook. */
export interface HookCall {
  kind: HookKind;
  /** The body, a JSON text. */
  document: unknown;
  /** How many machines it is about; default 1. */
  machines?: number;
  signal: AbortSignal;
}

/** Called when a call of an extension has ended, with the time in milliseconds since the epoch. */
type Ended = (extension: string, end: { nowMs: number; isAnswered: boolean }) => void;

/** Called when an extension begins to be left alone, with the reason, and with `undefined` when it is called again. */
type Tripped = (extension: string, reason: string | undefined) => void;

/** The state that is kept for one extension. */
interface Peer {
  breaker: Breaker;
  turns: Turns;
  /** By origin, because each transport leads to one server. */
  transports: Map<string, { key: string; transport: Transport }>;
  /** The address of the last connection that we refused because the address is guarded. */
  refused: string | undefined;
  /** Why the last failed call failed. */
  lastFailure: string | undefined;
}

/**
 * Calls hooks of extensions. Each extension has its own connections, turns and breaker, so that they do not delay each
 * other.
 */
export class HookClient {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #network: Network;
  readonly #ended: Ended;
  readonly #tripped: Tripped;
  readonly #peers = new Map<string, Peer>();

  /**
   * @param options `ended`: called at the end of each call; `tripped`: called when an extension is left alone or called
   * again
   */
  constructor(
    world: { files: Files; clock: Clock; random: Random; network: Network },
    options: { ended?: Ended; tripped?: Tripped } = {},
  ) {
    this.#ended = options.ended ?? (() => {});
    this.#tripped = options.tripped ?? (() => {});
    this.#files = world.files;
    this.#clock = world.clock;
    this.#random = world.random;
    this.#network = world.network;
  }

  /**
   * Calls a hook once.
   * @throws HookUnavailable if there was no answer or a server error, or if the extension is being left alone;
   * HostFactoryError if its credentials cannot be used; the signal's reason
   */
  async call(extension: Extension, { kind, document, machines = 1, signal }: HookCall): Promise<HookAnswer> {
    const url = extension.hooks[kind];
    if (url === undefined) throw new HostFactoryError(`Extension '${extension.name}' has no hook '${kind}'`);
    const peer = this.#peerOf(extension);
    const release = await peer.turns.take(signal);
    try {
      const { waitMs } = peer.breaker;
      if (waitMs > 0) throw new HookUnavailable(this.#lastWords(extension, peer), { waitMs });
      peer.breaker.began();
      return await this.#try(extension, peer, { url, kind, body: JSON.stringify(document), machines, signal });
    } finally {
      release();
    }
  }

  /** See `Caller`. */
  get leftAlone(): string[] {
    return [...this.#peers].flatMap(([name, { breaker }]) => breaker.isOpen ? [name] : []);
  }

  /** Forgets all extensions that are not among these. */
  retain(names: ReadonlySet<string>): void {
    for (const [name, peer] of this.#peers) {
      if (names.has(name)) continue;
      for (const { transport } of peer.transports.values()) transport.close();
      this.#peers.delete(name);
    }
  }

  #peerOf({ name }: Extension): Peer {
    const known = this.#peers.get(name);
    if (known) return known;
    const breaker = new Breaker({ clock: this.#clock, random: this.#random });
    const peer = {
      breaker,
      turns: new Turns(CALLS_AT_ONCE),
      transports: new Map(),
      refused: undefined,
      lastFailure: undefined,
    };
    this.#peers.set(name, peer);
    return peer;
  }

  #lastWords({ name }: Extension, { lastFailure }: Peer): string {
    return `Extension '${name}' is left alone for a while: ${lastFailure ?? "it did not answer"}`;
  }

  async #try(
    extension: Extension,
    peer: Peer,
    call: { url: string; kind: HookKind; body: string; machines: number; signal: AbortSignal },
  ): Promise<HookAnswer> {
    const { timeoutMs, name } = extension;
    const expired = () => new HookUnavailable(`Extension '${name}' did not answer within ${timeoutMs / 1000} s`);
    try {
      const answer = await withDeadline(
        { clock: this.#clock, signal: call.signal, timeoutMs, expired },
        (deadline) => this.#post(extension, peer, { ...call, deadline }),
      );
      if (peer.breaker.isOpen) this.#tripped(name, undefined);
      peer.breaker.succeeded();
      this.#ended(name, { nowMs: this.#clock.now(), isAnswered: true });
      return answer;
    } catch (error) {
      if (call.signal.aborted) {
        peer.breaker.ended();
        throw call.signal.reason;
      }
      const wasOpen = peer.breaker.isOpen;
      peer.breaker.failed();
      peer.lastFailure = describeError(error);
      if (peer.breaker.isOpen && !wasOpen) this.#tripped(name, peer.lastFailure);
      this.#ended(name, { nowMs: this.#clock.now(), isAnswered: false });
      throw error;
    }
  }

  async #post(
    extension: Extension,
    peer: Peer,
    { url, kind, body, machines, deadline }: {
      url: string;
      kind: HookKind;
      body: string;
      machines: number;
      deadline: AbortSignal;
    },
  ): Promise<HookAnswer> {
    const { name } = extension;
    const headers = this.#headers(extension, { kind, body });
    const { origin } = new URL(url);
    const transport = this.#transportFor(extension, peer, origin);
    let response: Response;
    let text: string | undefined;
    try {
      const init: RequestInit = { method: "POST", headers, body, signal: deadline, redirect: "manual" };
      response = await raceAbort(transport.fetch(url, init), deadline);
      text = await raceAbort(readBody(response, ANSWER_BYTES * machines), deadline);
    } catch (error) {
      if (deadline.aborted) throw deadline.reason;
      const why = peer.refused === undefined
        ? shorten(error)
        : `it leads to ${peer.refused}, which only a registration file may allow (allowAddresses)`;
      throw new HookUnavailable(`Extension '${name}' cannot be reached at ${origin}: ${why}`);
    }
    const { status } = response;
    if (text === undefined) {
      throw new HookUnavailable(`Extension '${name}' answered with more than ${machines} MiB, which are not read`);
    }
    const answer = { status, text, retryAfterMs: retryAfterOf(response) };
    if (counts(status) || (kind === "pre-delete" && isNotYet(answer))) return answer;
    const what = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
    throw new HookUnavailable(`Extension '${name}' answered ${status}${what}`, {
      waitMs: answer.retryAfterMs ?? 0,
      answer,
    });
  }

  #headers(
    { credentials: { tokenFile, hmacKeyFile } }: Extension,
    { kind, body }: { kind: HookKind; body: string },
  ): [string, string][] {
    const headers: [string, string][] = [
      ["content-type", "application/json"],
      ["accept", "application/json"],
      ["user-agent", "hostfactory"],
      ["hostfactory-hook", kind],
      ["idempotency-key", idempotencyKey(body)],
    ];
    if (tokenFile !== undefined) headers.push(["authorization", `Bearer ${this.#secret(tokenFile)}`]);
    if (hmacKeyFile !== undefined) {
      const seconds = Math.floor(this.#clock.now() / 1000);
      headers.push(["hostfactory-signature", sign(body, { key: this.#secret(hmacKeyFile), seconds })]);
    }
    return headers;
  }

  /** The transport for the current registration and credentials; a new one if either has changed. */
  #transportFor(extension: Extension, peer: Peer, origin: string): Transport {
    const options = this.#transportOptions(extension);
    const { allowAddresses } = extension;
    const key = JSON.stringify([options, allowAddresses]);
    let known = peer.transports.get(origin);
    if (known?.key !== key) {
      known?.transport.close();
      peer.refused = undefined;
      const mayReach = (address: string) => {
        const guarded = guardedAddress(address);
        peer.refused = guarded && !allowAddresses.includes(guarded) ? address : undefined;
        return peer.refused === undefined;
      };
      known = { key, transport: this.#network({ ...options, mayReach }) };
      peer.transports.set(origin, known);
    }
    return known.transport;
  }

  #transportOptions({ caBundle, credentials, name }: Extension): TransportOptions {
    const { clientCertificateFile, clientKeyFile } = credentials;
    return {
      ...(caBundle === undefined ? {} : { ca: caBundle }),
      ...(clientCertificateFile === undefined ? {} : { cert: this.#secret(clientCertificateFile) }),
      ...(clientKeyFile === undefined ? {} : { key: this.#secret(clientKeyFile) }),
      origin: { ca: `caBundle of extension '${name}'`, clientCertificate: clientCertificateFile ?? name },
    };
  }

  #secret(path: string): string {
    try {
      return this.#files.readText(path).trim();
    } catch (error) {
      const reason = isNotFound(error) ? "it does not exist" : describeError(error);
      throw new HostFactoryError(`Cannot read the credential file '${path}': ${reason}`, { cause: error });
    }
  }
}

/** True for a status that is an answer. After any other, another try may help. */
function counts(status: number): boolean {
  if (status >= 400 && status < 500) return !TEMPORARY.includes(status);
  return status === 304 || (status >= 200 && status < 300);
}

/** True for the answers by which `pre-delete` delays a deletion: then nothing is wrong with the extension. */
function isNotYet({ status, retryAfterMs }: HookAnswer): boolean {
  return status === 503 && retryAfterMs !== undefined;
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
