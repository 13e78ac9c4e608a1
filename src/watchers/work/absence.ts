import { type Clock, epochSeconds } from "../../clock.ts";
import type { EventPairs, EventSink } from "../../events/types.ts";
import type { KubeError } from "../../kube/errors.ts";

/** A connection that breaks is made again within this, in milliseconds, where nothing is amiss. */
const LONGEST_BLINK_MS = 5_000;

/** The longest reason, in characters: proxies answer with whole pages. */
const LONGEST_REASON = 200;

/** Records when the cluster could not be followed, and when it could again. */
export class Absence {
  readonly #clock: Clock;
  readonly #events: EventSink;
  /** When it first failed, on the wall clock in milliseconds; absent while all is well. */
  #failingSinceMs: number | undefined;
  #isTold = false;

  constructor({ clock, events }: { clock: Clock; events: EventSink }) {
    this.#clock = clock;
    this.#events = events;
  }

  /** A LIST or WATCH failed. */
  failed({ message }: KubeError): void {
    const now = this.#clock.now();
    this.#failingSinceMs ??= now;
    if (this.#isTold || now - this.#failingSinceMs < LONGEST_BLINK_MS) return;
    this.#isTold = true;
    this.#record({ status: "away", away_reason: message.slice(0, LONGEST_REASON) }, this.#failingSinceMs);
  }

  /** The cluster said what is. */
  heard(): void {
    this.#failingSinceMs = undefined;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#record({ status: "back" }, this.#clock.now());
  }

  #record(pairs: EventPairs<"cluster">, atMs: number): void {
    this.#events.record([{ category: "cluster", id: "pods", pairs, at: epochSeconds(atMs) }]);
  }
}
