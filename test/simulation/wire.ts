import type { Clock } from "../../src/clock.ts";
import type { Network, TransportOptions } from "../../src/kube/transport/transport.ts";
import type { Process } from "./process.ts";

/** A request as it leaves a process. */
export interface Call {
  method: string;
  /** With its query. */
  path: string;
  body: string;
}

export interface WireOptions {
  clock: Clock;
  handle: (request: Request, transport: TransportOptions) => Promise<Response>;
  sent: (who: Process, call: Call) => void;
  /** The status of the answer, or how the connection ended. */
  answered: (who: Process, call: Call, answer: string) => void;
  /** Something of a watch reached the process. */
  heard: (who: Process) => void;
  /** How long what a watch says takes to arrive, in milliseconds. */
  lagMs: () => number;
  /** Whether a watch breaks within what it says now. */
  tears: () => boolean;
  /** Nothing is heard any more of watches that were opened before this, not even their end; on the monotonic clock. */
  deafBeforeMs: () => number;
}

/**
 * The network between a process and the cluster. What was sent arrives, even when no one waits for the answer any more; a
 * dead process hears nothing.
 */
export function wire(process: Process, options: WireOptions): Network {
  return (transport) => ({
    fetch: (url, init) => alive(process, send(process, { url, init, transport, options })),
    close() {},
  });
}

async function send(
  process: Process,
  { url, init, transport, options }: {
    url: string;
    init: RequestInit;
    transport: TransportOptions;
    options: WireOptions;
  },
): Promise<Response> {
  const { pathname, search } = new URL(url);
  const body = typeof init.body === "string" ? init.body : "";
  const call = { method: init.method ?? "GET", path: pathname + search, body };
  process.operation("send", call.path);
  options.sent(process, call);
  const hangUp = new AbortController();
  const request = new Request(url, {
    method: call.method,
    headers: init.headers ?? [],
    signal: hangUp.signal,
    ...(body === "" ? {} : { body }),
  });
  let response: Response;
  try {
    response = await options.handle(request, transport);
  } catch (error) {
    options.answered(process, call, String(error));
    throw error;
  }
  const isWatch = call.path.includes("watch=true") && response.ok;
  options.answered(process, call, isWatch ? "200, and goes on" : String(response.status));
  if (!isWatch || !response.body) {
    process.operation("receive", call.path);
    return response;
  }
  return new Response(watchStream(process, { body: response.body, hangUp, signal: init.signal, options }));
}

/** A watch on its way to a process: late, broken within a line, and over when the process is. */
function watchStream(
  process: Process,
  { body, hangUp, signal, options }: {
    body: ReadableStream<Uint8Array>;
    hangUp: AbortController;
    signal: AbortSignal | null | undefined;
    options: WireOptions;
  },
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const end = () => {
    forget();
    signal?.removeEventListener("abort", end);
    hangUp.abort();
    reader.cancel().catch(() => {});
  };
  const forget = process.onEnd(end);
  const openedMs = options.clock.monotonic();
  if (process.isDead || signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      const lagMs = options.lagMs();
      if (lagMs > 0) await options.clock.sleep(lagMs);
      await new Promise<void>((awake) => process.whenAwake(awake));
      if (process.isDead) return;
      if (openedMs < options.deafBeforeMs()) return await new Promise(() => {});
      options.heard(process);
      if (done) {
        end();
        return controller.close();
      }
      if (!options.tears()) return controller.enqueue(value);
      controller.enqueue(value.slice(0, value.length / 2));
      end();
      controller.error(new TypeError("connection closed before message completed"));
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

/** What a dead process waits for never comes. */
export function alive<T>(process: Process, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then(
      (value) => process.whenAwake(() => process.isDead || resolve(value)),
      (error) => process.whenAwake(() => process.isDead || reject(error)),
    );
  });
}
