/** One row of the events database, or what is to become one: a fact about a request, a machine or whatever `category` says. */
export interface RecordedEvent {
  category: string;
  id: string;
  /** Seconds since the epoch. */
  timestamp: number;
  type: string;
  value: string;
}

/** Which events are asked for; what is absent narrows nothing down. */
export interface EventFilter {
  /** From when and until when, in seconds since the epoch, both included. */
  since?: number | undefined;
  until?: number | undefined;
  categories?: readonly string[] | undefined;
  ids?: readonly string[] | undefined;
  types?: readonly string[] | undefined;
}

/** True for an event that is asked for. Called once for each: it makes nothing. */
export function isWanted(
  { timestamp, category, id, type }: RecordedEvent,
  { since = -Infinity, until = Infinity, categories, ids, types }: EventFilter,
): boolean {
  return timestamp >= since && timestamp <= until && (categories?.includes(category) ?? true) &&
    (ids?.includes(id) ?? true) && (types?.includes(type) ?? true);
}

/** What makes two rows the same fact. */
export function keyOf({ category, id, timestamp, type, value }: RecordedEvent): string {
  return JSON.stringify([category, id, timestamp, type, value]);
}
