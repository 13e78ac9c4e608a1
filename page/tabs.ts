import type { PageMessage } from "../src/page/messages.ts";
import { follow, type Listener } from "./stream.ts";

/** What tabs of one browser say to each other. */
type Said =
  | { said: "message"; message: PageMessage }
  | { said: "cut"; why: string; isRefused: boolean }
  | { said: "who leads" };

const NAME = "hostfactory page";

/**
 * Follows serve with one stream for all tabs of this browser, as a browser opens six at most: the tab that holds the lock has
 * it, and tells the others. Where the page is not from a secure place there are no locks, and each tab has its own.
 * @param options `picture`: all that this tab knows, for one that comes later
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
  const say = (said: Said) => channel.postMessage(said);
  let leads = false;
  channel.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    if (data.said === "who leads") {
      const known = leads ? picture() : undefined;
      if (known) say({ said: "message", message: known });
    } else if (!leads && data.said === "message") listener.message(data.message);
    else if (!leads && data.said === "cut") listener.cut(data.why, data.isRefused);
  });
  say({ said: "who leads" });
  void navigator.locks.request(NAME, async () => {
    leads = true;
    await follow({
      message(message) {
        listener.message(message);
        say({ said: "message", message });
      },
      cut(why, isRefused) {
        listener.cut(why, isRefused);
        say({ said: "cut", why, isRefused });
      },
    }, { token, signal: never });
  });
}
