import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { EventReader, type EventSource, readEvents } from "../events/reader.ts";
import type { EventFilter, RecordedEvent } from "../events/recorded.ts";
import type { Files } from "../files.ts";
import { machineName, MOST_MACHINES, parseMachineName } from "../hf/names.ts";
import { eventSource } from "../workdir/events.ts";
import { Account, ACCOUNT_TYPES, type Entry, type IsWanted } from "./account.ts";

/** Which part of the history is wanted. */
export interface HistoryQuery {
  /** The database; absent: the one in the work directory. */
  dbfile?: string | undefined;
  /** From when, in seconds since the epoch; absent: from the first event. */
  since?: number | undefined;
  /** Only this machine; the machines of this request; of this template; on this node. */
  machine?: string | undefined;
  request?: string | undefined;
  template?: string | undefined;
  node?: string | undefined;
  /** Only these statuses and types of events; absent: the notable ones, or with `all` every step. */
  types?: readonly string[] | undefined;
  all: boolean;
}

/** Steps that are left out unless asked for: between `requested` and `ready` they say little. */
const USUAL: readonly string[] = ["created", "pending", "scheduled", "running"];

/** How long to wait for a process that writes to the database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

/** How many events are taken in at a time. */
const GATHERED = 20_000;

/** How often to look for new events, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/**
 * Yields what has happened so far as one list of entries, and then, while the caller goes on, what happens, some entries at a
 * time.
 * @throws HostFactoryError if the events cannot be read; what `signal` aborts with
 */
export async function* history(
  { files, clock, signal }: { files: Files; clock: Clock; signal: AbortSignal },
  config: Pick<Config, "workdir">,
  query: HistoryQuery,
): AsyncGenerator<Entry[]> {
  const source = eventSource(config, { files, dbfile: query.dbfile, lockWaitMs: LOCK_WAIT_MS });
  // No rests: nothing else in this process waits for a turn.
  const budget = new Budget(clock, { restPerTurn: 0 });
  const filter = await filterOf(source, query, budget);
  const reader = new EventReader(source, filter, budget);
  const templates = new Templates(source, budget);
  const { template, types } = query;
  const isWanted: IsWanted = (what, { isStatus }) =>
    types ? types.includes(what) : isStatus && (query.all || !USUAL.includes(what));
  for (;;) {
    const account = new Account({ templateOf: (id) => templates.get(id), isWanted });
    for await (const events of gathered(reader.look())) {
      await templates.learn(events);
      account.add(events);
    }
    yield account.entries().filter((entry) => template === undefined || entry.template === template);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Which events are to be read for a query. */
async function filterOf(source: EventSource, query: HistoryQuery, budget: Budget): Promise<EventFilter> {
  const { since, machine, request, node, types, all } = query;
  const asked = new Set([...ACCOUNT_TYPES, ...types ?? []]);
  const groups: string[][] = [];
  if (machine !== undefined) groups.push([machine]);
  if (request !== undefined) groups.push(await machinesOf(source, request, budget));
  if (node !== undefined) groups.push(await machinesOn(source, node, budget));
  const [first, ...others] = groups.map((names) => new Set(names));
  const ids = first && [...others.reduce((some, names) => some.intersection(names), first)];
  return { since, types: [...asked], ids, withoutStatuses: types || all ? undefined : USUAL };
}

/** The names of all machines that a request can have. */
async function machinesOf(source: EventSource, request: string, budget: Budget): Promise<string[]> {
  const counts = await readEvents(source, { ids: [request], categories: ["request"], types: ["count"] }, budget);
  const count = Math.min(MOST_MACHINES, Math.max(0, ...counts.map(({ value }) => Number(value) || 0)));
  return Array.from({ length: count }, (_, index) => machineName(request, index));
}

/** The machines that were ever on a node, and the ids of the node's own events. */
async function machinesOn(source: EventSource, node: string, budget: Budget): Promise<string[]> {
  const placed = await readEvents(source, { categories: ["pod"], types: ["node_name"], values: [node] }, budget);
  const nodes = await readEvents(source, { categories: ["node"], types: ["status"] }, budget);
  const own = nodes.filter(({ id }) => id.startsWith(`${node}::`));
  return [node, ...new Set([...placed, ...own].map(({ id }) => id))];
}

/** The templates of requests, as far as events name them. */
class Templates {
  readonly #source: EventSource;
  readonly #budget: Budget;
  /** By request id; `undefined` if no event names it. */
  readonly #known = new Map<string, string | undefined>();

  constructor(source: EventSource, budget: Budget) {
    this.#source = source;
    this.#budget = budget;
  }

  get(requestId: string): string | undefined {
    return this.#known.get(requestId);
  }

  /** Looks up the templates of all machines in these events. */
  async learn(events: readonly RecordedEvent[]): Promise<void> {
    const unknown = new Set<string>();
    for (const { category, id } of events) {
      const requestId = category === "pod" ? parseMachineName(id)?.requestId : undefined;
      if (requestId !== undefined && !this.#known.has(requestId)) unknown.add(requestId);
    }
    if (unknown.size === 0) return;
    for (const requestId of unknown) this.#known.set(requestId, undefined);
    const filter = { ids: [...unknown], categories: ["request"], types: ["template_id"] };
    for (const { id, value } of await readEvents(this.#source, filter, this.#budget)) this.#known.set(id, value);
  }
}

/** Joins pieces into larger ones, because one look for templates takes milliseconds, however many there are. */
async function* gathered(pieces: AsyncIterable<RecordedEvent[]>): AsyncGenerator<RecordedEvent[]> {
  let events: RecordedEvent[] = [];
  for await (const piece of pieces) {
    events.push(...piece);
    if (events.length < GATHERED) continue;
    yield events;
    events = [];
  }
  yield events;
}
