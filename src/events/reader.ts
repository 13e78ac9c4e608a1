import type { Budget } from "../budget.ts";
import { type DirectoryEntry, type Files, ifThere } from "../files.ts";
import { directoryOf, rotatedAmong } from "./database_files.ts";
import { type EventFilter, isWanted, keyOf, type RecordedEvent } from "./recorded.ts";
import { type EventRow, eventsOf, rowsOf } from "./rows.ts";
import { openStoredEvents } from "./stored_events.ts";

/** Where events are: stored, and not yet stored. */
export interface EventSource {
  files: Files;
  /** The database's path; it may be missing. Rotated databases lie beside it. */
  dbfile: string;
  /** The spool's path; it may be missing. */
  spool: string;
  /**
   * How long to wait for a process that writes to the database, in milliseconds. This whole process is blocked
   * meanwhile.
   */
  lockWaitMs: number;
  /** How many rows of a database are looked at, those that were stored last; default: all. */
  mostRows?: number;
  /** The same for a database without an index of times, in which a look at all rows takes seconds. */
  mostUnindexedRows?: number;
}

/** How many events `look` yields at once, about. */
const TOGETHER = 500;

/** The largest batch that is read, in bytes: ours are smaller. */
const LARGEST_BATCH = 64 * 1024 * 1024;

/**
 * Reads events from the spool, the database and rotated databases. It changes nothing, so it works
 * beside `serve` and without it. No file stays open between two looks.
 */
export class EventReader {
  readonly #source: EventSource;
  readonly #filter: EventFilter;
  readonly #budget: Budget;
  /** The number of the last row that was looked at, by the inode of its database. */
  readonly #lastRows = new Map<number, number>();
  /** The keys of the events that were in the spool at the last look, which has yielded all of them. */
  #told: ReadonlySet<string> = new Set();

  /** @param budget cuts the reading into turns of a few hundred events, so that nothing else in the process waits */
  constructor(source: EventSource, filter: EventFilter, budget: Budget) {
    this.#source = source;
    this.#filter = filter;
    this.#budget = budget;
  }

  /**
   * Yields the events that the filter asks for, each once, some hundred at a time: the oldest first, those of one
   * second in any order. Once the first look has been read to its end, a second one yields the events that have come
   * since.
   * @throws HostFactoryError if a database cannot be read
   */
  async *look(): AsyncGenerator<RecordedEvent[]> {
    this.#budget.begin();
    // The spool first: an event that is stored meanwhile is then found twice, and not missed in both places.
    const waiting = await waitingEvents(this.#source, this.#filter, this.#budget);
    const told = new Set(this.#told);
    const isNew = (event: RecordedEvent) => {
      if (waiting.size + told.size === 0) return true;
      const key = keyOf(event);
      if (told.has(key)) return false;
      if (waiting.has(key)) told.add(key);
      return true;
    };
    let together: RecordedEvent[] = [];
    for (const event of inOrder(this.#stored(), [...waiting.values()])) {
      if (isNew(event)) together.push(event);
      if (together.length < TOGETHER) continue;
      yield together;
      together = [];
      if (this.#budget.isSpent) await this.#budget.breathe();
    }
    this.#told = new Set(waiting.keys());
    if (together.length > 0) yield together;
  }

  /** The events that were stored since the last look, one database after the other. */
  *#stored(): Generator<RecordedEvent> {
    const { files } = this.#source;
    for (const path of databasesSince(this.#source, this.#filter.since)) {
      const database = openStoredEvents(path, this.#source);
      if (!database) continue;
      try {
        const { inode } = files.info(path, { followLinks: true });
        const untilRow = database.lastRow();
        const afterRow = this.#lastRows.get(inode);
        // If all rows were removed, their numbers start again.
        const isNewCount = afterRow === undefined || afterRow > untilRow;
        const { mostRows = Infinity, mostUnindexedRows = Infinity } = this.#source;
        const most = database.hasTimeIndex() ? mostRows : Math.min(mostRows, mostUnindexedRows);
        const after = Math.max(isNewCount ? 0 : afterRow, untilRow - most);
        yield* database.read({ ...this.#filter, untilRow, ...(after === 0 ? {} : { afterRow: after }) });
        this.#lastRows.set(inode, untilRow);
      } finally {
        database.close();
      }
    }
  }
}

/**
 * All events that the filter asks for, at once: for questions with few answers.
 * @throws HostFactoryError as `EventReader` does
 */
export async function readEvents(source: EventSource, filter: EventFilter, budget: Budget): Promise<RecordedEvent[]> {
  return (await Array.fromAsync(new EventReader(source, filter, budget).look())).flat();
}

/** The events in the spool by their keys, in order of time. Files that are no batches are skipped. */
export async function waitingEvents(
  { files, spool }: EventSource,
  { ids, ...filter }: EventFilter,
  budget: Budget,
): Promise<Map<string, RecordedEvent>> {
  const wanted = ids && new Set(ids);
  const events: RecordedEvent[] = [];
  for (const { name, kind } of listed(files, spool)) {
    if (kind !== "file" || name.startsWith(".")) continue;
    if (budget.isSpent) await budget.breathe();
    for (const event of batchIn(files, `${spool}/${name}`)) {
      if ((wanted?.has(event.id) ?? true) && isWanted(event, filter)) events.push(event);
    }
  }
  events.sort((a, b) => a.timestamp - b.timestamp);
  return new Map(events.map((event) => [keyOf(event), event]));
}

function batchIn(files: Files, path: string): RecordedEvent[] {
  try {
    const batch: unknown = JSON.parse(files.readText(path, { followLinks: false, mostBytes: LARGEST_BATCH }));
    return (eventsOf(batch) ?? []).flatMap((event) => rowsOf(event, { skipEvents: true })).map(asRecorded);
  } catch {
    return []; // It was stored meanwhile, or is nothing that will be.
  }
}

function asRecorded([, , category, id, timestamp, type, value]: EventRow): RecordedEvent {
  return { category, id, timestamp: Number(timestamp), type, value: String(value) };
}

/**
 * The paths of the databases that may hold events of that time, the oldest first: their names say when they were
 * rotated.
 */
export function databasesSince({ files, dbfile }: EventSource, since = -Infinity): string[] {
  const there = listed(files, directoryOf(dbfile)).filter(({ kind }) => kind === "file");
  const rotated = rotatedAmong(there.map(({ name }) => name), dbfile).filter(({ atMs }) => atMs / 1000 >= since);
  return [...rotated.map(({ path }) => path), dbfile];
}

function listed(files: Files, directory: string): DirectoryEntry[] {
  return ifThere(() => files.list(directory)) ?? [];
}

/** Merges two sequences in order of time; of one second, the stored events come first. */
function* inOrder(stored: Iterable<RecordedEvent>, waiting: readonly RecordedEvent[]): Generator<RecordedEvent> {
  let next = 0;
  for (const event of stored) {
    for (let other; (other = waiting[next]) && other.timestamp < event.timestamp; next++) yield other;
    yield event;
  }
  yield* waiting.slice(next);
}
