import { pictureOptions, type ReadAccess } from "../admin/open_picture.ts";
import { type Picture, PictureTaker } from "../admin/picture.ts";
import { Budget } from "../budget.ts";
import { epochSeconds, NOT_NEEDED } from "../clock.ts";
import { HostFactoryError } from "../errors.ts";
import type { EventSource } from "../events/reader.ts";
import type { Monitor } from "../metrics/monitor.ts";
import { LatestEvents } from "./latest_events.ts";
import { LivePicture } from "./live_picture.ts";
import type { ApiSection, ExtensionRow, Sections } from "./messages.ts";
import { Page } from "./page.ts";
import { readPast } from "./past.ts";
import { sectionsOf, type Troubles } from "./rows.ts";

/** The sources of what the page shows. */
export interface PageSources extends ReadAccess {
  monitor: Pick<Monitor, "health" | "history" | "calls" | "watchAges" | "told">;
  extensions: () => ExtensionRow[];
  events: EventSource;
}

/** The page of a process, kept up to date. */
export interface OpenedPage {
  answer: Page["answer"];
  /** Takes in that these machines were written down. */
  changed(machines: string[]): void;
  /** Ends the page, and every stream. */
  end(): Promise<void>;
}

/** How long one turn of reading may take, in milliseconds: nothing may keep the loops of `serve` waiting for 20 ms. */
const TURN_MS = 10;

/** The rest after each turn of reading the past, as a multiple of the turn: the past is not urgent. */
const PAST_REST_PER_TURN = 4;

/** How many rows of the events database are read for the past if it has no index of times. */
const MOST_UNINDEXED_ROWS = 10_000;

/** The counts of the stats line that are backlog, by key, and what the page calls them; see `docs/operate.md`. */
const BACKLOG: Readonly<Record<string, string>> = {
  spooledBatches: "batches of events that wait to be stored",
  droppedBatches: "batches of events that were dropped",
  heldDeletions: "deletions that are held for a second look",
  untoldMachines: "machines of which extensions are still to be told",
  droppedMachines: "machines of which extensions are told later",
  extensionsLeftAlone: "extensions that do not answer",
};

/** Opens the page. Nothing is read before the first browser opens it. */
export function openPage(sources: PageSources): OpenedPage {
  const { workdir, clock, events } = sources;
  const options = pictureOptions(sources);
  const taker = new PictureTaker(workdir, { ...options, reportsChanges: true });
  const latest = new LatestEvents(events, { clock, turnMs: TURN_MS });
  const past = new PastOfGraphs(sources);
  const live = new LivePicture({
    taker,
    first: { take: () => new PictureTaker(workdir, { ...options, isBrief: true }).take() },
    clock,
    sections: async (picture) => {
      past.look(picture);
      return await readSections(picture, sources, latest);
    },
  });
  const { answer } = new Page({
    load: async () => (await import("./built_page.ts")).page,
    readers: live.readers,
    explain: (name) => explainInTurns(sources, name),
  });
  const stop = new AbortController();
  const running = live.run(stop.signal);
  return {
    answer,
    // Without readers no picture is taken, and the names would pile up. Later pictures find the changes by themselves.
    changed(machines) {
      if (live.readers.size > 0) taker.changed(machines);
    },
    async end() {
      stop.abort(NOT_NEEDED);
      await Promise.all([running, past.end()]);
    },
  };
}

async function readSections(
  picture: Picture,
  { monitor, extensions }: PageSources,
  latest: LatestEvents,
): Promise<Sections> {
  return {
    ...sectionsOf(picture, troublesOf(monitor)),
    history: { machines: [...monitor.history.machines], starts: [...monitor.history.starts] },
    api: apiOf(monitor),
    extensions: extensions(),
    events: await latest.look(),
  };
}

/** Explains a machine, request, return request or node without keeping the loops of `serve` waiting. */
async function explainInTurns(sources: PageSources, name: string) {
  const { explain } = await import("../admin/explain.ts");
  const budget = new Budget(sources.clock, { turnMs: TURN_MS });
  return await explain(sources, name, { dbfile: sources.events.dbfile, lockWaitMs: 0, budget });
}

function troublesOf({ health }: PageSources["monitor"]): Troubles {
  const { tenureTrouble: tenure } = health;
  return { tenure, others: health.overall().reasons.filter((reason) => reason !== tenure) };
}

function apiOf({ calls, watchAges, told: { counts, backlogs } }: PageSources["monitor"]): ApiSection {
  return {
    calls: Array.from(calls, ([call, { ok, failed, timed, seconds }]) => ({
      call,
      ok,
      failed,
      meanSeconds: timed === 0 ? -1 : Math.round(seconds / timed * 1_000) / 1_000,
    })),
    // Rounded to five seconds, because a value that changes each second would be sent each second.
    watches: watchAges.map(({ resource, seconds = -1 }) => ({
      resource,
      age: seconds < 0 ? -1 : 5 * Math.floor(seconds / 5),
    })),
    backlog: [
      ...Object.entries(backlogs).map(([loop, backlog]) => ({
        name: `in the queue of ${loop}`,
        count: backlog?.all ?? 0,
      })),
      ...Object.entries(BACKLOG).map(([key, name]) => ({ name, count: counts[key] ?? 0 })),
    ].filter(({ count }) => count > 0),
  };
}

/** Reads what the graphs show of the time before this process, once a page is opened. */
class PastOfGraphs {
  readonly #sources: PageSources;
  readonly #until: number;
  #reading: Promise<void> | undefined;
  #isEnded = false;

  constructor(sources: PageSources) {
    this.#sources = sources;
    this.#until = epochSeconds(sources.clock.now());
  }

  look({ at, machines: present }: Picture): void {
    this.#reading ??= this.#read(at, present);
  }

  async #read(now: number, present: Picture["machines"]): Promise<void> {
    const { events, clock, monitor: { history } } = this.#sources;
    const since = now - history.keptSeconds;
    if (since >= this.#until) return;
    const source = { ...events, mostUnindexedRows: MOST_UNINDEXED_ROWS };
    const budget = new Budget(clock, { turnMs: TURN_MS, restPerTurn: PAST_REST_PER_TURN });
    const isEnded = () => this.#isEnded;
    try {
      const past = await readPast(source, { since, until: this.#until, present, isEnded }, budget);
      if (past) history.prepend(past);
    } catch (error) {
      if (!(error instanceof HostFactoryError)) throw error; // Then the graphs begin with this process.
    }
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#reading;
  }
}
