import type { RecordedEvent } from "../events/recorded.ts";
import { parseMachineName } from "../hf/names.ts";

/** Something that happened to machines of one template at about one time, or to the cluster. */
export interface Entry {
  /** When it first and last happened, in seconds since the epoch. */
  from: number;
  until: number;
  /** What happened: a status of a machine or of the cluster, or the type of another event. */
  what: string;
  category: string;
  /** The names of what it happened to: machines, or what events of the category are about. */
  ids: string[];
  /** The machines' template; absent if it is not known. */
  template?: string | undefined;
  /** Why, or the value of an event that is no status. */
  reason?: string | undefined;
  /** Only of the cluster: it was not seen to be back. */
  isOpen?: boolean | undefined;
}

/** Equal events this close together become one entry, which covers this time at most. In seconds. */
const LONGEST_PAUSE = 30;
const LONGEST_ENTRY = 600;

/** The types of pairs that say why, each with the status that it explains. */
const REASONS: Readonly<Record<string, string>> = {
  failed_reason: "failed",
  disrupted_reason: "disrupted",
  away_reason: "away",
};

/** The types of events from which an account is made. */
export const ACCOUNT_TYPES: readonly string[] = ["status", ...Object.keys(REASONS)];

/** The order of a machine's first steps, for steps of one second. All others come later. */
const FIRST_STEPS: readonly string[] = ["requested", "created", "pending", "scheduled", "running", "ready", "returned"];

/** Whether a status, or the type of an event that is none, is wanted. */
export type IsWanted = (what: string, options: { isStatus: boolean }) => boolean;

/** Condenses events into entries. Events have to come in order of time; those of one second may come in any order. */
export class Account {
  readonly #templateOf: (requestId: string) => string | undefined;
  readonly #isWanted: IsWanted;
  readonly #entries: Entry[] = [];
  /** The last entry of each kind, by what its events have in common. */
  readonly #last = new Map<string, Entry>();
  /** The steps of each machine, node or request that have been seen, because the legacy plug-in repeats them. */
  readonly #met = new Set<string>();
  #second: RecordedEvent[] = [];

  /** @param options `templateOf`: the template of a request's machines, if it is known */
  constructor({ templateOf, isWanted }: { templateOf: (requestId: string) => string | undefined; isWanted: IsWanted }) {
    this.#templateOf = templateOf;
    this.#isWanted = isWanted;
  }

  add(events: Iterable<RecordedEvent>): void {
    for (const event of events) {
      if (event.timestamp !== this.#second[0]?.timestamp) this.#settle();
      this.#second.push(event);
    }
  }

  /** The entries so far, by when they began. */
  entries(): Entry[] {
    this.#settle();
    return this.#entries.toSorted((a, b) => a.from - b.from);
  }

  /** Takes in the events of one second. */
  #settle(): void {
    const events = this.#second.sort((a, b) => rankOf(a) - rankOf(b));
    this.#second = [];
    const reasons = new Map(
      events.filter(({ type }) => type in REASONS).map(({ id, type, value }) => [`${REASONS[type]} ${id}`, value]),
    );
    for (const event of events) {
      const { type, value, id } = event;
      if (type in REASONS) continue;
      const isStatus = type === "status";
      const what = isStatus ? value : type;
      if (!this.#isWanted(what, { isStatus })) continue;
      this.#note(event, { what, reason: isStatus ? reasons.get(`${value} ${id}`) : value });
    }
  }

  #note(
    { category, id, timestamp, type }: RecordedEvent,
    { what, reason }: { what: string; reason: string | undefined },
  ): void {
    const isStatus = type === "status";
    if (category === "cluster" && what === "back") return this.#back(id, timestamp);
    // A serve that starts while the cluster is away records it once more.
    if (category === "cluster" && what === "away" && this.#last.get(`cluster ${id}`)?.isOpen) return;
    if (category !== "cluster" && isStatus && !this.#isFirst(`${what} ${id}`)) return;
    const requestId = category === "pod" ? parseMachineName(id)?.requestId : undefined;
    const template = requestId === undefined ? undefined : this.#templateOf(requestId);
    const key = `${category}\n${what}\n${template}\n${reason}`;
    const last = this.#last.get(key);
    const goesOn = last && timestamp - last.until <= LONGEST_PAUSE && timestamp - last.from <= LONGEST_ENTRY &&
      category !== "cluster";
    if (goesOn) {
      last.until = timestamp;
      last.ids.push(id);
      return;
    }
    const isOpen = category === "cluster" && what === "away" ? { isOpen: true } : {};
    const entry = { from: timestamp, until: timestamp, what, category, ids: [id], template, reason, ...isOpen };
    this.#entries.push(entry);
    this.#last.set(category === "cluster" ? `${category} ${id}` : key, entry);
  }

  /** Ends the entry of the cluster's absence; makes an entry if the absence began before the account. */
  #back(id: string, timestamp: number): void {
    const away = this.#last.get(`cluster ${id}`);
    if (away?.isOpen) {
      away.until = timestamp;
      away.isOpen = false;
    } else this.#entries.push({ from: timestamp, until: timestamp, what: "back", category: "cluster", ids: [id] });
  }

  #isFirst(step: string): boolean {
    const size = this.#met.size;
    return this.#met.add(step).size > size;
  }
}

function rankOf({ type, value }: RecordedEvent): number {
  const rank = type === "status" ? FIRST_STEPS.indexOf(value) : -1;
  return rank < 0 ? FIRST_STEPS.length : rank;
}
