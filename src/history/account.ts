import type { RecordedEvent } from "../events/recorded.ts";
import { parseMachineName } from "../hf/names.ts";

/** Something that happened: to machines of one template at about one time, or to the cluster. */
export interface Entry {
  /** In seconds since the epoch: the first of it, and the last. */
  from: number;
  until: number;
  /** The word for it: a status of a machine or of the cluster, or the type of another event. */
  what: string;
  category: string;
  /** What it happened to: machines, or whatever events of the category are about. */
  ids: string[];
  /** The machines' template; absent if it is not known. */
  template?: string | undefined;
  /** Why, or the value of an event that is no status. */
  reason?: string | undefined;
  /** Of the cluster: it was not seen to be back. */
  isOpen?: boolean | undefined;
}

/** What happened to machines so soon after each other, in seconds, is one entry, of this length at most. */
const LONGEST_PAUSE = 30;
const LONGEST_ENTRY = 600;

/** By the type of a pair that tells why, the status that it belongs to. */
const REASONS: Readonly<Record<string, string>> = {
  failed_reason: "failed",
  disrupted_reason: "disrupted",
  away_reason: "away",
};

/** The types of events from which an account is made. */
export const ACCOUNT_TYPES: readonly string[] = ["status", ...Object.keys(REASONS)];

/** The order in which a machine takes the first steps: those of one second are told so. All others come later. */
const FIRST_STEPS: readonly string[] = ["requested", "created", "pending", "scheduled", "running", "ready", "returned"];

/** Whether a status, or the type of an event that is none, is wanted. */
export type Shows = (what: string, options: { isStatus: boolean }) => boolean;

/** Puts events together to a condensed account. They have to come in order of time; those of one second may come in any. */
export class Account {
  readonly #templateOf: (requestId: string) => string | undefined;
  readonly #shows: Shows;
  readonly #entries: Entry[] = [];
  /** By what its events have in common, the last entry. */
  readonly #last = new Map<string, Entry>();
  /** Which steps were met, of each machine, node or request: the legacy plug-in repeats them. */
  readonly #met = new Set<string>();
  #second: RecordedEvent[] = [];

  /** @param options `templateOf`: the template of a request's machines, if it is known */
  constructor({ templateOf, shows }: { templateOf: (requestId: string) => string | undefined; shows: Shows }) {
    this.#templateOf = templateOf;
    this.#shows = shows;
  }

  add(events: Iterable<RecordedEvent>): void {
    for (const event of events) {
      if (event.timestamp !== this.#second[0]?.timestamp) this.#settle();
      this.#second.push(event);
    }
  }

  /** What there is so far, by when it began. */
  entries(): Entry[] {
    this.#settle();
    return this.#entries.toSorted((a, b) => a.from - b.from);
  }

  /** Takes up what happened within one second. */
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
      if (!this.#shows(what, { isStatus })) continue;
      this.#note(event, { what, reason: isStatus ? reasons.get(`${value} ${id}`) : value });
    }
  }

  #note(
    { category, id, timestamp, type }: RecordedEvent,
    { what, reason }: { what: string; reason: string | undefined },
  ): void {
    const isStatus = type === "status";
    if (category === "cluster" && what === "back") return this.#back(id, timestamp);
    // A serve that begins while it is away says so once more.
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

  /** The end of the time that the cluster was away; where that began before the account does, an entry of its own. */
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
