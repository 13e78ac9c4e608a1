/**
 * One row of the events database, stored or still to be: a fact about a request, a machine or whatever `category` says.
 */
export interface RecordedEvent {
  category: string;
  id: string;
  /** Seconds since the epoch. */
  timestamp: number;
  type: string;
  value: string;
}

/** Which events are wanted. An absent field lets all of them through. */
export interface EventFilter {
  /** From when and until when, in seconds since the epoch, both included. */
  since?: number | undefined;
  until?: number | undefined;
  categories?: readonly string[] | undefined;
  ids?: readonly string[] | undefined;
  types?: readonly string[] | undefined;
  values?: readonly string[] | undefined;
  /** Leaves these statuses out. */
  withoutStatuses?: readonly string[] | undefined;
}

/** True for an event that the filter asks for. Allocates nothing, because it is called for every event. */
export function isWanted({ timestamp, category, id, type, value }: RecordedEvent, filter: EventFilter): boolean {
  const { since = -Infinity, until = Infinity, categories, ids, types, values, withoutStatuses = [] } = filter;
  return timestamp >= since && timestamp <= until && (categories?.includes(category) ?? true) &&
    (ids?.includes(id) ?? true) && (types?.includes(type) ?? true) && (values?.includes(value) ?? true) &&
    !(type === "status" && withoutStatuses.includes(value));
}

/** The same text for two rows that state the same fact. */
export function keyOf({ category, id, timestamp, type, value }: RecordedEvent): string {
  return JSON.stringify([category, id, timestamp, type, value]);
}

/** The name of the node that an event with this id is about: the legacy plug-in calls a node `NAME::UID`. */
export function nodeOfEvent(id: string): string {
  return id.split("::")[0] ?? id;
}
