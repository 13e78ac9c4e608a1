import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";

/** The first SIGTERM or SIGINT, which aborts waits, and the second one, which ends the command at once. */
export interface StopSignals extends Disposable {
  first: AbortSignal;
  /** Rejects at the second signal. */
  second: Promise<never>;
  /** How many times SIGHUP was received: a closed terminal sends it, and operators do to rotate files. */
  readonly hangUps: number;
}

/** Calls `resized` whenever the terminal has another size, until disposed. */
export function onResize(resized: () => void): Disposable {
  return onSignal("SIGWINCH", resized);
}

/** Calls `quit` at SIGQUIT until disposed: by default it would end the process without restoring the terminal. */
export function onQuit(quit: () => void): Disposable {
  return onSignal("SIGQUIT", quit);
}

function onSignal(signal: Deno.Signal, listener: () => void): Disposable {
  Deno.addSignalListener(signal, listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, listener) };
}

/** Signals within so many milliseconds of the first count as one: service managers and scripts often send several. */
const ONE_SIGNAL_MS = 1_000;

/** Listens for SIGTERM and SIGINT until disposed, and counts SIGHUP, which ends nothing. */
export function stopSignals(clock: Clock): StopSignals {
  const first = new AbortController();
  let firstMs = Infinity;
  const { promise: second, reject } = Promise.withResolvers<never>();
  second.catch(() => {}); // The error is seen by the wait that races against it; after that it does not matter.
  const listen = () => {
    if (!first.signal.aborted) firstMs = clock.monotonic();
    else if (clock.monotonic() - firstMs > ONE_SIGNAL_MS) {
      reject(new HostFactoryError("Stopped at once by a second signal"));
    }
    first.abort();
  };
  let hangUps = 0;
  const listeners = [["SIGTERM", listen], ["SIGINT", listen], ["SIGHUP", () => void hangUps++]] as const;
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    first: first.signal,
    second,
    get hangUps() {
      return hangUps;
    },
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
