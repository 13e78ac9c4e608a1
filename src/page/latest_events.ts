import { Budget } from "../budget.ts";
import { type Clock, epochSeconds } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import { EventReader, type EventSource } from "../events/reader.ts";
import { nodeOfEvent, type RecordedEvent } from "../events/recorded.ts";
import type { EventRow } from "./messages.ts";

/** How many events are shown, and how far back they reach when the first page is opened, in seconds. */
const MOST_EVENTS = 60;
const SINCE_SECONDS = 900;

/**
 * How many of the last rows of the events database are read: 10,000 new machines add ten times as many within seconds.
 */
const MOST_ROWS = 2_000;

/** The events that were recorded last, the latest first. */
export class LatestEvents {
  readonly #reader: EventReader;
  #events: EventRow[] = [];

  /** @param options `turnMs`: how long, in milliseconds, one turn of reading may take */
  constructor(source: EventSource, { clock, turnMs }: { clock: Clock; turnMs: number }) {
    const since = epochSeconds(clock.now()) - SINCE_SECONDS;
    this.#reader = new EventReader(
      { ...source, mostRows: MOST_ROWS },
      { since, types: ["status", "count"] },
      new Budget(clock, { turnMs }),
    );
  }

  /** The latest events. Those that cannot be read now come with a later look. */
  async look(): Promise<EventRow[]> {
    try {
      for await (const events of this.#reader.look()) {
        const latest = events.slice(-MOST_EVENTS).map(eventRow);
        this.#events = [...this.#events, ...latest].sort((a, b) => a.at - b.at).slice(-MOST_EVENTS);
      }
    } catch (error) {
      if (!(error instanceof HostFactoryError)) throw error;
    }
    return this.#events.toReversed();
  }
}

function eventRow({ category, id, timestamp: at, type, value }: RecordedEvent): EventRow {
  if (type === "count") return { at, id, what: `${category} of ${value} ${value === "1" ? "machine" : "machines"}` };
  if (category === "cluster") return { at, id: "", what: `the cluster is ${value}` };
  return category === "node" ? { at, id: nodeOfEvent(id), what: `node ${value}` } : { at, id, what: value };
}
