import type { PageMessage } from "../src/page/messages.ts";

/** How long, in milliseconds, nothing may be heard before serve counts as away: it beats every five seconds. */
export const SILENCE_MS = 15_000;

/** Between tries to reach serve, in milliseconds: the first, and the longest. */
const RETRY_MS = { first: 500, longest: 10_000 };

/** What is told of the connection. */
export interface Listener {
  message(message: PageMessage): void;
  /** Why nothing is heard. @param isRefused a token is wanted, or this one is not right */
  cut(why: string, isRefused: boolean): void;
}

/** Follows the server's stream until `signal` aborts; whatever ends it, it is tried again. */
export async function follow(listener: Listener, { token, signal }: { token: () => string; signal: AbortSignal }) {
  let waitMs = RETRY_MS.first;
  while (!signal.aborted) {
    let hasSpoken = false;
    try {
      await read(token(), signal, (message) => {
        hasSpoken = true;
        listener.message(message);
      });
      listener.cut("serve has ended the stream", false);
    } catch (error) {
      if (signal.aborted) return;
      const isRefused = error instanceof Refused;
      listener.cut(error instanceof Error ? error.message : String(error), isRefused);
    }
    if (signal.aborted) return;
    waitMs = hasSpoken ? RETRY_MS.first : Math.min(waitMs * 2, RETRY_MS.longest);
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.75 + Math.random() / 2)));
  }
}

/** The server wants a token. */
class Refused extends Error {}

async function read(token: string, signal: AbortSignal, take: (message: PageMessage) => void): Promise<void> {
  const end = new AbortController();
  const onAbort = () => end.abort();
  signal.addEventListener("abort", onAbort);
  let timer = setTimeout(onAbort, SILENCE_MS);
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (token) headers["authorization"] = `Bearer ${token}`;
    const response = await fetch("page/stream", { headers, signal: end.signal, cache: "no-store" });
    if (response.status === 401) throw new Refused((await response.text()).trim());
    if (!response.ok || !response.body) throw new Error((await response.text()).trim() || `status ${response.status}`);
    const decoder = new TextDecoder();
    let waiting: string[] = [];
    for (const reader = response.body.getReader();;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(onAbort, SILENCE_MS);
      // A long message comes in many chunks: they are joined once.
      const chunk = decoder.decode(value, { stream: true });
      const isEnd = chunk.includes("\n\n") || (chunk.startsWith("\n") && waiting.at(-1)?.endsWith("\n"));
      waiting.push(chunk);
      if (!isEnd) continue;
      const parts = waiting.join("").split("\n\n");
      waiting = [parts.pop() ?? ""];
      for (const part of parts) if (part.startsWith("data: ")) take(JSON.parse(part.slice(6)));
    }
  } catch (error) {
    if (end.signal.aborted && !signal.aborted) throw new Error("serve does not answer");
    throw error instanceof TypeError ? new Error("serve cannot be reached") : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
