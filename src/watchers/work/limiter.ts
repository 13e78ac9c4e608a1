import type { Clock } from "../../clock.ts";
import { KubeError } from "../../kube/errors.ts";
import type { Random } from "../../random.ts";
import { backoffMs } from "./backoff.ts";

/** True if it is not one object that is in trouble, but the cluster or the way to it: nothing is known until that is over. */
export function isClusterTrouble(error: unknown): boolean {
  return error instanceof KubeError && ["unavailable", "throttled", "unauthorised"].includes(error.kind);
}

/**
 * The pause that all calls of this process make while the cluster is away or asks for patience: one machine's own trouble holds
 * up no other. Calls are made in lanes, one for each kind of work.
 */
export class Limiter {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lanes: Lane[] = [];
  #failures = 0;
  /** A lane may have been held back: each of them is told when a call ends, until the cluster answers again. */
  #holdsBack = false;
  #pausedUntilMs = 0;
  /** Until when the server has asked us to wait: no success of a call beside that one takes it back. */
  #askedUntilMs = 0;

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * A lane for one kind of calls.
   * @param limit how many of them may be in flight at once
   * @param freed called when another one may begin
   */
  lane(limit: number, freed: () => void = () => {}): Lane {
    const lane = new Lane(this, { limit, freed });
    this.#lanes.push(lane);
    return lane;
  }

  /** How many more calls a lane may begin. While the cluster is away, one of all lanes is let through after each pause to try it. */
  freeIn({ limit, inFlight }: Lane): number {
    if (this.#clock.monotonic() < this.#pausedUntilMs) return 0;
    if (this.#failures === 0) return Math.max(0, limit - inFlight);
    return this.#lanes.some((lane) => lane.inFlight > 0) ? 0 : 1;
  }

  /** When calls may begin again, on the monotonic clock. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** Notes that the cluster answers. */
  succeeded(): void {
    this.#failures = 0;
    this.#pausedUntilMs = this.#askedUntilMs;
  }

  /** Notes a call that failed, and pauses all if the trouble is not that one object's. */
  failed(error: unknown): void {
    if (!(error instanceof KubeError)) return;
    if (!isClusterTrouble(error)) return this.succeeded();
    const now = this.#clock.monotonic();
    this.#askedUntilMs = Math.max(this.#askedUntilMs, now + (error.retryAfterMs ?? 0));
    if (now < this.#pausedUntilMs) return; // The calls beside this one have said so already.
    this.#failures++;
    this.#holdsBack = true;
    this.#pausedUntilMs = Math.max(this.#askedUntilMs, now + backoffMs(this.#failures, this.#random));
  }

  /** Takes in that a call of a lane has ended. */
  ended(lane: Lane): void {
    const told = this.#holdsBack ? this.#lanes : [lane];
    this.#holdsBack = this.#failures > 0;
    for (const one of told) one.freed();
  }
}

/** So many calls of one kind, in flight at once. */
export class Lane {
  readonly limit: number;
  readonly freed: () => void;
  readonly #limiter: Limiter;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(limiter: Limiter, { limit, freed }: { limit: number; freed: () => void }) {
    this.#limiter = limiter;
    this.limit = limit;
    this.freed = freed;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How many calls may begin now. */
  get free(): number {
    return this.#limiter.freeIn(this);
  }

  /** See `Limiter`. */
  get pausedUntilMs(): number {
    return this.#limiter.pausedUntilMs;
  }

  /** Begins one call, which must not throw. */
  start(call: () => Promise<void>): void {
    const inFlight = call().finally(() => {
      this.#inFlight.delete(inFlight);
      this.#limiter.ended(this);
    });
    this.#inFlight.add(inFlight);
  }

  /** See `Limiter`. */
  succeeded(): void {
    this.#limiter.succeeded();
  }

  /** See `Limiter`. */
  failed(error: unknown): void {
    this.#limiter.failed(error);
  }

  /** Resolves once no call of this lane is in flight. */
  async drained(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }
}
