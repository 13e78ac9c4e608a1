import { Budget } from "../../budget.ts";
import { describeError, HostFactoryError } from "../../errors.ts";
import type { EventStore } from "../../events/database.ts";
import type { EventCopy } from "../../events/database_copy.ts";
import { directoryOf, rotatedPath } from "../../events/database_files.ts";
import { isBackupRequest, lineOf, rowsOf, type SpooledEvent } from "../../events/rows.ts";
import { logger } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Loop, Outcome } from "../loop.ts";
import { Complaints } from "../work/complaints.ts";
import { backUp } from "./backups.ts";
import { type EventRetention, EventRetentionKeeper, type LastingStore } from "./retention.ts";
import { type Batch, EventSpoolReader, SPOOL_LIMITS, type SpoolLimits } from "./spool.ts";

/** How events are stored. */
export interface EventsOptions {
  /** The database; it and its directory are made if they are missing. */
  dbfile: string;
  /** Without the pairs that hold whole objects: see `rowsOf`. */
  skipEvents: boolean;
  open: (path: string) => EventStore;
  /** Begins a copy of the database; absent: none is made. */
  copy?: (from: string, to: string) => EventCopy;
  /** Shows each event once it is stored, as a line; absent: none is shown. */
  show?: (line: string) => void;
  /** What is kept; absent: everything. */
  retention?: EventRetention;
  /** How often it was asked that the database be rotated; absent: never. */
  rotations?: () => number;
  /** Told of what is in the spool, before it is stored; of some of it more than once. */
  saw?: (events: readonly SpooledEvent[]) => void;
  /** Default: `SPOOL_LIMITS`. */
  limits?: SpoolLimits;
  /** After how many changes the database's log is moved into it; default: `MOST_LOGGED`. */
  mostLogged?: number;
}

/** The database while it is open. */
interface Opened {
  store: EventStore;
  /** Which file it is: another may be in its place by now. */
  inode: number;
  /** Its name survives a power failure. */
  lasts: boolean;
}

/** How often, in milliseconds, the spool is looked at: what comes within that time shares a transaction. */
const LOOK_EVERY_MS = 1_000;

/** How long, in milliseconds, the database is left alone after it could not be used. */
const RETRY_MS = 15_000;

/** How long, in milliseconds, storing may keep everything else waiting, but for a transaction. */
const TURN_MS = 5;

/** What goes into one transaction, which holds up all else for some milliseconds: an event has three rows or so. */
const MOST_EVENTS = 100;

/** What is stored before it is synced, beyond the first batch. */
const MOST_BATCHES = 200;
const MOST_EVENTS_SYNCED = 500;

/** Rows after which the log is moved into the database: as many pages, at worst, whose moving takes some milliseconds. */
const MOST_LOGGED = 2_000;

const log = logger("events");

/**
 * Stores the batches of the spool in the events database. A batch is removed once what was stored of it lasts; whatever
 * happens before that, it is stored again, and of rows that are there already the database makes no second. If the
 * database cannot be used, the batches wait, up to a limit.
 */
export class EventsWatcher implements Loop {
  readonly name = "events";
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #options: EventsOptions;
  readonly #spool: EventSpoolReader;
  #opened: Opened | undefined;
  readonly #retention: EventRetentionKeeper | undefined;
  #waiting = 0;
  /** Says what keeps the batches waiting, once. */
  readonly #complaints = new Complaints((_, error) => log.warn("Events wait in the spool", { error }));
  #isTroubled = false;
  /** How often the database was rotated, or it was seen that there was none. */
  #rotated = 0;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">, options: EventsOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#spool = new EventSpoolReader(dependencies);
    const { retention, dbfile } = options;
    this.#retention = retention && new EventRetentionKeeper(dependencies, { ...retention, dbfile });
  }

  /** `spooledBatches`: how many wait to be stored, of events; `droppedBatches`: how many never will be. */
  get counts(): { spooledBatches: number | undefined; droppedBatches: number | undefined } {
    return { spooledBatches: this.#waiting || undefined, droppedBatches: this.#spool.dropped || undefined };
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#dependencies;
    try {
      await this.#storeAll(signal);
      if (!signal.aborted) await this.#rotate();
      await this.#retention?.look(this.#opened && this.#lasting(this.#opened), signal);
      if (this.#isTroubled) log.info("Events are stored again");
      this.#isTroubled = false;
      this.#complaints.clear();
      return { kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS };
    } catch (error) {
      this.#close();
      this.#isTroubled = true;
      this.#complaints.note("", asTrouble(error, this.#options.dbfile));
      this.#waiting = this.#spool.bound(this.#options.limits ?? SPOOL_LIMITS);
      return { kind: "again", atMs: clock.monotonic() + RETRY_MS };
    }
  }

  /** Closes the database: nothing is under way between steps. */
  drained(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  async #storeAll(signal: AbortSignal): Promise<void> {
    const budget = new Budget(this.#dependencies.clock, { turnMs: TURN_MS, restPerTurn: 1 });
    const paths = this.#spool.paths();
    this.#waiting = paths.length;
    while (paths.length > 0 && !signal.aborted) {
      await this.#storeBatches(await this.#nextBatches(paths, budget), budget);
      this.#waiting = paths.length;
    }
  }

  /** Reads what is stored and synced together next. @param paths those that are left, and from which its own are taken */
  async #nextBatches(paths: string[], budget: Budget): Promise<Batch[]> {
    const batches: Batch[] = [];
    let events = 0;
    while (paths.length > 0 && batches.length < MOST_BATCHES && events < MOST_EVENTS_SYNCED) {
      if (budget.isSpent) await budget.breathe();
      const batch = this.#spool.read(paths.pop() ?? "");
      if (!batch) continue;
      batches.push(batch);
      this.#options.saw?.(batch.events);
      events += batch.events.length;
    }
    return batches;
  }

  async #storeBatches(batches: readonly Batch[], budget: Budget): Promise<void> {
    const { workdir } = this.#dependencies;
    if (batches.length === 0) return;
    const opened = this.#open();
    const { store } = opened;
    const events = batches.flatMap((batch) => batch.events);
    for (let next = 0; next < events.length;) {
      if (budget.isSpent) await budget.breathe();
      const some = events.slice(next, next + MOST_EVENTS);
      workdir.asOwner(() => this.#commit(store, some));
      next += some.length;
      if (next === events.length || this.#isLogLong(store)) await this.#makeLast(opened);
    }
    await this.#copy(events);
    this.#show(events);
    budget.begin();
    for (const { path } of batches) {
      if (budget.isSpent) await budget.breathe();
      this.#spool.remove(path);
    }
  }

  /**
   * Rotates the database: renames it to `events.<milliseconds since the epoch>`, as the legacy plug-in does. What was waiting is
   * in it by now: a batch that was stored and not removed yet would be stored in the next one, too. If another process reads it,
   * later.
   */
  async #rotate(): Promise<void> {
    const rotations = this.#options.rotations?.() ?? 0;
    if (rotations <= this.#rotated) return;
    const { workdir, clock } = this.#dependencies;
    const { dbfile } = this.#options;
    const opened = this.#opened;
    if (opened && workdir.kind(dbfile) === "file") {
      if (!workdir.asOwner(() => opened.store.mergeLog())) return;
      this.#close();
      let at = clock.now();
      while (workdir.kind(rotatedPath(dbfile, at)) !== undefined) at++;
      const rotated = rotatedPath(dbfile, at);
      workdir.files.rename(dbfile, rotated);
      log.info("Events database rotated", { dbfile, rotated });
      await workdir.files.sync(directoryOf(dbfile));
    }
    this.#rotated = rotations;
  }

  /** Makes the copies that were asked for. What was stored with that is in them. */
  async #copy(events: readonly SpooledEvent[]): Promise<void> {
    const { dbfile, copy } = this.#options;
    if (!copy) return;
    for (const { sqlite_backup: identifier } of events.filter(isBackupRequest)) {
      await backUp(this.#dependencies, { dbfile, identifier: String(identifier), copy });
    }
  }

  #show(events: readonly SpooledEvent[]): void {
    const { show } = this.#options;
    for (const event of show ? events : []) {
      const line = lineOf(event);
      if (line !== undefined) show?.(line);
    }
  }

  #commit(store: EventStore, events: readonly SpooledEvent[]): void {
    store.begin();
    for (const event of events) for (const row of rowsOf(event, this.#options)) store.insert(row);
    store.commit();
  }

  #isLogLong(store: EventStore): boolean {
    return store.changes >= (this.#options.mostLogged ?? MOST_LOGGED);
  }

  /** The database; opened again if another file, or none, is in its place by now. */
  #open(): Opened {
    const { workdir } = this.#dependencies;
    const { dbfile, open } = this.#options;
    const kind = workdir.kind(dbfile);
    if (kind !== undefined && kind !== "file") throw new Error(`it is no file: '${dbfile}'`);
    const inodeNow = () => workdir.files.info(dbfile).inode;
    if (this.#opened && kind !== undefined && this.#opened.inode === inodeNow()) return this.#opened;
    this.#close();
    if (kind === undefined) {
      workdir.makeDirectory(directoryOf(dbfile));
      // SQLite would make the file for all to read.
      workdir.makeFile(dbfile, "");
    }
    const store = workdir.asOwner(() => open(dbfile));
    return this.#opened = { store, inode: inodeNow(), lasts: false };
  }

  #lasting(opened: Opened): LastingStore {
    return { store: opened.store, makeLast: () => this.#makeLast(opened) };
  }

  #close(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#dependencies.workdir.asOwner(() => opened?.store.close());
  }

  /** Makes what has just been committed survive a power failure, and moves a log that has become long, while all else goes on. */
  async #makeLast(opened: Opened): Promise<void> {
    const { workdir } = this.#dependencies;
    const { dbfile } = this.#options;
    const { store } = opened;
    const moving = this.#isLogLong(store) ? workdir.asOwner(() => store.moveLog()) : undefined;
    try {
      if (store.hasLog) await workdir.files.sync(`${dbfile}-wal`);
      if (!opened.lasts) await workdir.files.sync(directoryOf(dbfile));
      opened.lasts = true;
      if (!moving) return;
      workdir.asOwner(() => moving.move());
      await workdir.files.sync(dbfile);
    } finally {
      moving?.end();
    }
  }
}

/** What keeps the database from being used, and what to do. */
function asTrouble(error: unknown, dbfile: string): HostFactoryError {
  const why = describeError(error);
  const hint = /locked|busy/i.test(why)
    ? "end what writes to it, or wait"
    : /not a database|malformed|no file/.test(why)
    ? "move it away: a new one is made"
    : /full|ENOSPC|os error 28/.test(why)
    ? "make room on its disk"
    : "make it and its directory writable for this user, or name another with --dbfile";
  return new HostFactoryError(`Cannot store events in '${dbfile}': ${why}`, { hint, cause: error });
}
