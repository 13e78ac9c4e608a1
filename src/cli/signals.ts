import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";

/** The first signal to stop, as something that waits can be aborted by, and the second, which waits for nothing. */
export interface StopSignals extends Disposable {
  first: AbortSignal;
  /** Rejects at the second signal. */
  second: Promise<never>;
  /** How often SIGHUP has come: a terminal sends it when it is closed, and an operator to have files rotated. */
  readonly hangUps: number;
}

/** Calls `resized` whenever the terminal has another size, until disposed. */
export function onResize(resized: () => void): Disposable {
  return onSignal("SIGWINCH", resized);
}

/** Calls `quit` at SIGQUIT, which would otherwise end the process without restoring its terminal, until disposed. */
export function onQuit(quit: () => void): Disposable {
  return onSignal("SIGQUIT", quit);
}

function onSignal(signal: Deno.Signal, listener: () => void): Disposable {
  Deno.addSignalListener(signal, listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, listener) };
}

/** Signals that come within so many milliseconds of the first are one: service managers and scripts like to send several. */
const ONE_SIGNAL_MS = 1_000;

/** Listens for SIGTERM and SIGINT until disposed, and counts SIGHUP, which ends nothing. */
export function stopSignals(clock: Clock): StopSignals {
  const first = new AbortController();
  let firstMs = Infinity;
  const { promise: second, reject } = Promise.withResolvers<never>();
  second.catch(() => {}); // What races against it sees it; afterwards no one has to.
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
