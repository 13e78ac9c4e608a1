import type { PageMessage } from "../src/page/messages.ts";

/** After how many milliseconds of silence serve counts as away: it sends a beat every five seconds. */
export const SILENCE_MS = 15_000;

/** The first and the longest wait before another attempt to reach serve, in milliseconds. */
const RETRY_MS = { first: 500, longest: 10_000 };

/** Receives the messages, and learns what becomes of the connection. */
export interface Listener {
  message(message: PageMessage): void;
  /** The stream has ended, with the reason. @param isRefused true: a token is needed, or this one is wrong */
  cut(why: string, isRefused: boolean): void;
}

/** Follows the server's stream until `signal` aborts, and connects again whenever it ends. */
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

/** The server needs a token, or another one. */
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
      // A long message arrives in many chunks, which are joined only once.
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
