import type { Clock } from "../clock.ts";
import { BodyReader } from "./transport/body_reader.ts";
import type { OpenStream } from "./transport/connection.ts";
import { KubeError } from "./errors.ts";
import { sortFailure } from "./failure.ts";
import { LineSplitter } from "./transport/lines.ts";
import type { Status, WatchEvent } from "./types.ts";

export interface WatchStreamOptions {
  clock: Clock;
  /** After how much silence, in milliseconds, the connection counts as dead. */
  idleTimeoutMs: number;
  signal?: AbortSignal;
}

/**
 * The events of a watch, in order, until the server ends the stream. Leaving the iteration closes the stream.
 * @throws KubeError as the ERROR event says; `unavailable` where the connection drops, if nothing was heard for too
 * long, or where what was heard is no event; the signal's reason when it aborts
 */
export async function* readWatch<T>(
  stream: OpenStream,
  { clock, idleTimeoutMs, signal }: WatchStreamOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const reader = new BodyReader(stream.body);
  const lines = new LineSplitter();
  const over = new AbortController();
  let heardAt = clock.monotonic();
  let failure: unknown;
  const stop = (reason: unknown) => {
    failure ??= reason;
    stream.close();
    reader.cancel(reason).catch(() => {}); // What reads now gets an end or an error; `failure` says which it was.
  };
  const onAbort = () => stop(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();

  const guard = async () => {
    for (;;) {
      const left = heardAt + idleTimeoutMs - clock.monotonic();
      if (left <= 0) break;
      await clock.sleep(left, over.signal);
    }
    stop(new KubeError("unavailable", `The watch was silent for ${idleTimeoutMs / 1000} s`));
  };
  guard().catch(() => {}); // Only ever stopped from below.

  try {
    for (;;) {
      const chunk = await reader.read();
      if (failure !== undefined) throw failure;
      if (!chunk) {
        if (lines.unfinished) throw new KubeError("unavailable", "The watch broke off within an event");
        return;
      }
      heardAt = clock.monotonic();
      for (const line of lines.push(chunk)) {
        yield parseEvent(line);
        if (failure !== undefined) throw failure;
      }
      // A consumer that takes long is not a server that is silent.
      heardAt = clock.monotonic();
    }
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (error instanceof KubeError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new KubeError("unavailable", `The watch broke off: ${why}`, { cause: error });
  } finally {
    over.abort();
    signal?.removeEventListener("abort", onAbort);
    stream.close();
    reader.cancel().catch(() => {});
  }
}

function parseEvent<T>(line: string): WatchEvent<T> {
  let event: { type?: string; object?: { metadata?: unknown } };
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new KubeError("unavailable", "The watch sent a line that is not JSON", { cause: error });
  }
  switch (event?.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      if (typeof event.object?.metadata !== "object" || event.object.metadata === null) break;
      return event as WatchEvent<T>;
    case "ERROR": {
      const status = event.object as Status | undefined;
      throw sortFailure({ code: status?.code ?? 500, body: status ?? "", method: "GET", source: "the watch" });
    }
  }
  throw new KubeError("unavailable", "The watch sent a line that is not an event");
}
