import { type Clock, NOT_NEEDED } from "../../clock.ts";
import { raceAbort } from "./race_abort.ts";

/** How long a call may take. */
export interface DeadlineOptions {
  clock: Clock;
  /** Ends the call as well. */
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /** @returns what the call fails with once its time is over */
  expired: () => Error;
}

/**
 * Runs `call` with a signal that aborts when the caller's does or when time is up; then it is not waited for any more, and
 * has to see for itself that it begins nothing else.
 * @throws what the signal was aborted with, else what `call` throws
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
