import { type Clock, epochSeconds } from "../clock.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import { integerBetween, type Random } from "../random.ts";
import type { EventSink, NewEvent } from "./types.ts";

/** Where batches of events are written. */
export interface Spool {
  /** The directory, which exists. */
  directory: string;
  /** Makes a file appear whole under a name, without waiting for the disk. */
  write: (path: string, text: string) => void;
  clock: Clock;
  random: Random;
  /** Keys and values that are added to each event: see `Config.eventMetadata`. */
  metadata: Readonly<Record<string, string>>;
}

const log = logger("events");

/**
 * Leaves batches of events in the spool, in files that the legacy plug-in's `watch events` can read, too: a JSON array,
 * named by a UUID. Events that cannot be written are lost: the log says so once, and how many there were once writing
 * works again.
 */
export class EventRecorder implements EventSink {
  readonly #spool: Spool;
  #lost = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** How many events were lost since the log last said so. */
  get lost(): number {
    return this.#lost;
  }

  record(events: readonly NewEvent[]): void {
    if (events.length === 0) return;
    const { directory, write, clock, random, metadata } = this.#spool;
    try {
      const now = epochSeconds(clock.now());
      write(
        `${directory}/${uuid4(random)}`,
        JSON.stringify(events.map((event) => asSpooled(event, { now, metadata }))),
      );
    } catch (error) {
      if (this.#lost === 0) log.warn("Events cannot be recorded, and are lost", { error: describeError(error) });
      this.#lost += events.length;
      return;
    }
    if (this.#lost > 0) log.warn("Events are recorded again", { lost: this.#lost });
    this.#lost = 0;
  }
}

/** Adds the metadata; the event's own keys win. The keys are in the legacy plug-in's order. */
function asSpooled(
  { category, id, pairs, at }: NewEvent,
  { now, metadata }: { now: number; metadata: Readonly<Record<string, string>> },
): Record<string, unknown> {
  return { ...metadata, category, id, ...pairs, timestamp: at ?? now };
}

/** A random UUID (RFC 9562, version 4). */
function uuid4(random: Random): string {
  const digits = (count: number) => integerBetween(random, 0, 16 ** count - 1).toString(16).padStart(count, "0");
  const variant = integerBetween(random, 8, 11).toString(16);
  return `${digits(8)}-${digits(4)}-4${digits(3)}-${variant}${digits(3)}-${digits(4)}${digits(8)}`;
}
