import type { Clock } from "../../src/clock.ts";
import type { Files } from "../../src/files.ts";
import type { Network, TransportOptions } from "../../src/kube/transport/transport.ts";
import type { Pod } from "../../src/kube/types.ts";

/** A clock that stands still until it is told how much time passes. */
export class ManualClock implements Clock {
  #ms = 1_000_000;
  #sleepers = new Set<{ at: number; wake: () => void }>();

  now = () => 1_700_000_000_000 + this.#ms;
  monotonic = () => this.#ms;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = {
        at: this.#ms + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** How many sleep. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Lets everything that can happen without time passing happen, then lets `ms` pass, sleeper by sleeper. */
  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms;
    for (;;) {
      await settle();
      const next = [...this.#sleepers].sort((one, other) => one.at - other.at)[0];
      if (!next || next.at > end) break;
      this.#ms = Math.max(this.#ms, next.at);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#ms = end;
    await settle();
  }
}

/** Lets promises and streams run until they wait for something that is not there yet. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Files by path; what is not in it does not exist. Only reading. */
export function memoryFiles(contents: Record<string, string>): Files {
  const readText = (path: string) => {
    const text = contents[path];
    if (text === undefined) throw new Deno.errors.NotFound(`no ${path}`);
    return text;
  };
  return { readText } as Partial<Files> as Files;
}

export interface SeenRequest {
  method: string;
  url: URL;
  headers: Headers;
  body: unknown;
  signal: AbortSignal | null | undefined;
  transport: TransportOptions;
}

/** A network that is one function, and what it saw. */
export function functionNetwork(answer: (request: SeenRequest) => Response | Promise<Response>) {
  const requests: SeenRequest[] = [];
  const opened: TransportOptions[] = [];
  const closed: TransportOptions[] = [];
  const network: Network = (transport) => {
    opened.push(transport);
    return {
      // deno-lint-ignore require-await -- what the answer throws must become a rejection
      async fetch(url, init) {
        const request: SeenRequest = {
          method: init.method ?? "GET",
          url: new URL(url),
          headers: new Headers(init.headers),
          body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
          signal: init.signal,
          transport,
        };
        requests.push(request);
        return answer(request);
      },
      close: () => void closed.push(transport),
    };
  };
  return { network, requests, opened, closed };
}

export function json(value: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(value), init);
}

/** An API server's answer that is an error. */
export function failure(code: number, status: Record<string, unknown> = {}, headers: HeadersInit = {}): Response {
  return json({ kind: "Status", apiVersion: "v1", status: "Failure", code, ...status }, { status: code, headers });
}

export function pod(name: string, resourceVersion = "1"): Pod {
  return { metadata: { name, uid: `uid-${name}`, resourceVersion }, spec: { containers: [{ name: "main" }] } };
}
