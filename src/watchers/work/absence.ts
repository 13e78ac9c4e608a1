import { type Clock, epochSeconds } from "../../clock.ts";
import type { EventPairs, EventSink } from "../../events/types.ts";
import type { KubeError } from "../../kube/errors.ts";
import { GatheringLog } from "../../log.ts";

/** A connection that breaks is made again within this, in milliseconds, where nothing is amiss. */
const LONGEST_BLINK_MS = 5_000;

/** The longest reason, in characters: proxies answer with whole pages. */
const LONGEST_REASON = 200;

const lost = new GatheringLog("cluster", "The cluster cannot be followed now", { of: "views", isTriedAgain: true });
const found = new GatheringLog("cluster", "The cluster is followed again", { of: "views", level: "info" });

/** Tells when a view of the cluster could not be followed, and when it could again: in the log, and in events if it lasts. */
export class Absence {
  readonly #view: string;
  readonly #clock: Clock;
  readonly #events: EventSink | undefined;
  /** When following it first failed, on the wall clock in milliseconds; absent while all is well. */
  #sinceMs: number | undefined;
  /** When it answered for the first time after the last failure, which may be a minute before it says anything; likewise. */
  #answeredAtMs: number | undefined;
  #isRecorded = false;

  /** @param options `events`: absent for a view whose absence is no event */
  constructor(view: string, { clock, events }: { clock: Clock; events: EventSink | undefined }) {
    this.#view = view;
    this.#clock = clock;
    this.#events = events;
  }

  /** A LIST or WATCH failed. */
  failed(error: KubeError): void {
    const now = this.#clock.now();
    this.#sinceMs ??= now;
    this.#answeredAtMs = undefined;
    lost.failed(this.#view, error);
    if (this.#isRecorded || now - this.#sinceMs < LONGEST_BLINK_MS) return;
    this.#isRecorded = true;
    this.#record({ status: "away", away_reason: error.message.slice(0, LONGEST_REASON) }, this.#sinceMs);
  }

  /** After a failure, the server answers again. */
  answers(): void {
    this.#answeredAtMs ??= this.#clock.now();
  }

  /** The cluster is followed. */
  ends(): void {
    if (this.#sinceMs === undefined) return;
    const backAtMs = this.#answeredAtMs ?? this.#clock.now();
    const awaySeconds = Math.round((backAtMs - this.#sinceMs) / 1_000);
    this.#sinceMs = undefined;
    found.note(this.#view, () => ({ awaySeconds }));
    if (this.#isRecorded) this.#record({ status: "back" }, backAtMs);
    this.#isRecorded = false;
  }

  #record(pairs: EventPairs<"cluster">, atMs: number): void {
    this.#events?.record([{ category: "cluster", id: this.#view, pairs, at: epochSeconds(atMs) }]);
  }
}
