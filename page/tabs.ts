import type { PageMessage } from "../src/page/messages.ts";
import { follow, type Listener } from "./stream.ts";

/** What the tabs of one browser tell each other. */
type TabMessage =
  | { said: "message"; message: PageMessage }
  | { said: "cut"; why: string; isRefused: boolean }
  | { said: "who leads" };

const NAME = "hostfactory page";

/** How long a tab waits, in milliseconds, after it has lost the lead and before it asks for it again. */
const REFUSED_MS = 5_000;

/**
 * Follows serve with one stream for all tabs of this browser, because a browser opens at most six: the tab that holds a
 * lock reads the stream and passes its messages on to the others. A tab that the server refuses gives up the lock,
 * because the token of another tab may be right. On a page that was not loaded securely, browsers offer no locks, so
 * each tab has its own stream.
 * @param options `picture`: all that this tab knows, for tabs that are opened later
 */
export function followTogether(
  listener: Listener,
  { token, picture }: { token: () => string; picture: () => PageMessage | undefined },
): void {
  const never = new AbortController().signal;
  if (!("locks" in navigator) || !("BroadcastChannel" in globalThis)) {
    void follow(listener, { token, signal: never });
    return;
  }
  const channel = new BroadcastChannel(NAME);
  const post = (said: TabMessage) => channel.postMessage(said);
  let leads = false;
  channel.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => {
    if (data.said === "who leads") {
      const known = leads ? picture() : undefined;
      if (known) post({ said: "message", message: known });
    } else if (!leads && data.said === "message") listener.message(data.message);
    else if (!leads && data.said === "cut") listener.cut(data.why, data.isRefused);
  });
  post({ said: "who leads" });
  const lead = async () => {
    const refused = new AbortController();
    leads = true;
    await follow({
      message(message) {
        listener.message(message);
        post({ said: "message", message });
      },
      cut(why, isRefused) {
        listener.cut(why, isRefused);
        post({ said: "cut", why, isRefused });
        if (isRefused) refused.abort();
      },
    }, { token, signal: refused.signal });
    leads = false;
  };
  const takeTurns = async () => {
    for (;;) {
      await navigator.locks.request(NAME, lead);
      await new Promise((resolve) => setTimeout(resolve, REFUSED_MS));
    }
  };
  void takeTurns();
}
