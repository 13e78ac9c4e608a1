import type { Clock } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";

/** How often, in milliseconds, somebody who waits for the fence to open looks. */
const LOOK_EVERY_MS = 100;

/** The code of the error that a change is refused with while the fence is closed. */
const NOT_OWNER = "ENOTOWNER";

/** True if a change was refused because the fence is closed, whoever has told it since in words of its own. */
export function isNotOwner(error: unknown): boolean {
  if (!(error instanceof HostFactoryError)) return false;
  return (error as { code?: unknown }).code === NOT_OWNER || isNotOwner(error.cause);
}

/**
 * Whether this process may change anything, in the cluster or in the work directory. It may until a moment of the monotonic
 * clock that renewals of the lease put off: a process that was paused for longer finds the fence closed when it wakes.
 */
export class Fence {
  readonly #clock: Clock;
  #untilMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param untilMs on the monotonic clock; infinity: until it is closed */
  openUntil(untilMs: number): void {
    this.#untilMs = untilMs;
  }

  close(): void {
    this.#untilMs = -Infinity;
  }

  get isOpen(): boolean {
    return this.#clock.monotonic() < this.#untilMs;
  }

  /** To be called right before each change. @throws HostFactoryError with the code `ENOTOWNER` while the fence is closed */
  readonly check = (): void => {
    if (this.isOpen) return;
    const error = new HostFactoryError("This process does not own the provider instance now, and changes nothing");
    throw Object.assign(error, { code: NOT_OWNER });
  };

  /** Resolves once the fence is open, or `signal` has aborted. */
  async opened(signal: AbortSignal): Promise<void> {
    while (!this.isOpen && !signal.aborted) await this.#clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
}
