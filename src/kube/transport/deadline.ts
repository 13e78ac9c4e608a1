import { type Clock, NOT_NEEDED } from "../../clock.ts";
import { raceAbort } from "./race_abort.ts";

/** How long a call may take. */
export interface DeadlineOptions {
  clock: Clock;
  /** Ends the call, too. */
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /** @returns the error with which the call fails once its time is over */
  expired: () => Error;
}

/**
 * Runs `call` with a signal that aborts when the caller's does or when time is up. Then `call` is no longer waited for,
 * and has to check the signal before it begins anything else.
 * @throws the reason of that signal, else what `call` throws
 */
export async function withDeadline<T>(
  { clock, signal, timeoutMs, expired }: DeadlineOptions,
  call: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = new AbortController();
  const abort = () => deadline.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  clock.sleep(timeoutMs, timer.signal).then(() => deadline.abort(expired()), () => {});
  try {
    return await raceAbort(call(deadline.signal), deadline.signal);
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.signal.reason;
    throw error;
  } finally {
    timer.abort(NOT_NEEDED);
    signal?.removeEventListener("abort", abort);
  }
}
