import { HostFactoryError } from "../errors.ts";

/** The first signal to stop, as something that waits can be aborted by, and the second, which waits for nothing. */
export interface StopSignals extends Disposable {
  first: AbortSignal;
  /** Rejects at the second signal. */
  second: Promise<never>;
}

/** Listens for SIGTERM and SIGINT until disposed, and ignores SIGHUP, which a terminal sends when it is closed. */
export function stopSignals(): StopSignals {
  const first = new AbortController();
  const { promise: second, reject } = Promise.withResolvers<never>();
  second.catch(() => {}); // What races against it sees it; afterwards no one has to.
  const listen = () => {
    if (first.signal.aborted) reject(new HostFactoryError("Stopped at once by a second signal"));
    first.abort();
  };
  const listeners = [["SIGTERM", listen], ["SIGINT", listen], ["SIGHUP", () => {}]] as const;
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    first: first.signal,
    second,
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
