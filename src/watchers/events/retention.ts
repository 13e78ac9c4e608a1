import { Budget } from "../../budget.ts";
import { epochSeconds } from "../../clock.ts";
import type { EventStore } from "../../events/database.ts";
import { backupsBeside, directoryOf, rotatedAmong } from "../../events/database_files.ts";
import { ifThere } from "../../files.ts";
import { logger } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import { SteadyTime } from "../work/steady_time.ts";

/** What of events is kept; of what is not limited, `Infinity`. */
export interface EventLimits {
  /** How long, in seconds. */
  retainSeconds: number;
  /** How much, in bytes: of the database; and of what was rotated and copied, together. */
  mostBytes: number;
}

/** What is kept of databases that we began, and of all others: the legacy plug-in's hold what a site may want to keep. */
export interface EventRetention {
  ours: EventLimits;
  others: EventLimits;
  /** Whether we began the database in that file, or the one that it is a copy of. */
  isOurs: (path: string) => boolean;
}

/** The database, and what makes its last changes survive a power failure. */
export interface LastingStore {
  store: EventStore;
  makeLast: () => Promise<void>;
}

/** A file of events beside the database. */
interface EventFile {
  path: string;
  size: number;
  modifiedMs: number;
}

/** How often, in milliseconds, it is looked for what is past. */
const LOOK_EVERY_MS = 60_000;

/** How long, in milliseconds, removing may keep everything else waiting. */
const TURN_MS = 10;

/** Files of databases, and of how far the copying was. */
const COPY = /^events_bkp_.*\.db$/;
const PROGRESS = /^backup_progress_.*\.log$/;

const log = logger("events");

/** Removes what is past: rows of the database, and the files of databases that were rotated or copied. */
export class EventRetentionKeeper {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #retention: EventRetention;
  readonly #dbfile: string;
  /** By path, whether we began it: a file is opened once to find out. */
  #isOurs = new Map<string, boolean>();
  readonly #time = new SteadyTime();
  #hasSaidThatAllIsKept = false;
  #atMs: number;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">, options: EventRetention & { dbfile: string }) {
    this.#dependencies = dependencies;
    this.#retention = options;
    this.#dbfile = options.dbfile;
    this.#atMs = dependencies.clock.monotonic();
    this.#nowMs();
  }

  /** Does what is due, until `signal` aborts. @param open absent: no database is open, and what was rotated alone is looked at */
  async look(open: LastingStore | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    if (clock.monotonic() < this.#atMs) return;
    this.#atMs = clock.monotonic() + LOOK_EVERY_MS;
    const budget = new Budget(clock, { turnMs: TURN_MS, restPerTurn: 1 });
    await this.#removeFiles(budget);
    if (open) await this.#removeRows(open, { budget, signal });
  }

  async #removeRows(
    { store, makeLast }: LastingStore,
    { budget, signal }: { budget: Budget; signal: AbortSignal },
  ): Promise<void> {
    const { workdir } = this.#dependencies;
    const { retainSeconds, mostBytes } = this.#limitsOf(store.isOurs);
    if (retainSeconds === Infinity && mostBytes === Infinity) return this.#sayThatAllIsKept();
    const before = epochSeconds(this.#nowMs()) - retainSeconds;
    const removeSlice = () => workdir.asOwner(() => store.removePast({ before, mostBytes }));
    while (!signal.aborted && removeSlice()) {
      if (!budget.isSpent) continue;
      await makeLast();
      await budget.breathe();
    }
  }

  #sayThatAllIsKept(): void {
    if (this.#hasSaidThatAllIsKept) return;
    this.#hasSaidThatAllIsKept = true;
    const what =
      "The legacy plug-in began this events database: all of it is kept, unless --retain-events says how long";
    log.info(what, { dbfile: this.#dbfile });
  }

  /** The oldest go first. */
  async #removeFiles(budget: Budget): Promise<void> {
    const { workdir } = this.#dependencies;
    const nowMs = this.#nowMs();
    const [files, bytes] = [this.#files(), { ours: 0, others: 0 }];
    this.#isOurs = new Map(files.flatMap(({ path }) => {
      const known = this.#isOurs.get(path);
      return known === undefined ? [] : [[path, known]];
    }));
    for (const { path, size, modifiedMs } of files.sort((a, b) => b.modifiedMs - a.modifiedMs)) {
      if (budget.isSpent) await budget.breathe();
      const isOurs = this.#began(path);
      const { retainSeconds, mostBytes } = this.#limitsOf(isOurs);
      const all = bytes[isOurs ? "ours" : "others"] += size;
      if (modifiedMs >= nowMs - retainSeconds * 1000 && all <= mostBytes) continue;
      workdir.remove(path);
      log.info("Events of long ago removed", { path });
    }
  }

  #nowMs(): number {
    const { clock } = this.#dependencies;
    return this.#time.at(clock.now(), clock.monotonic());
  }

  #limitsOf(isOurs: boolean): EventLimits {
    return isOurs ? this.#retention.ours : this.#retention.others;
  }

  /** A note of how far a copy was is no history, even if the legacy plug-in wrote it. */
  #began(path: string): boolean {
    const { workdir } = this.#dependencies;
    const isOurs = this.#isOurs.get(path) ??
      (path.endsWith(".log") || workdir.asOwner(() => this.#retention.isOurs(path)));
    this.#isOurs.set(path, isOurs);
    return isOurs;
  }

  /** What was rotated or copied. */
  #files(): EventFile[] {
    const { workdir } = this.#dependencies;
    const backups = backupsBeside(this.#dbfile);
    const isOfBackup = (name: string) => COPY.test(name) || PROGRESS.test(name);
    const paths = [
      ...rotatedAmong(workdir.names(directoryOf(this.#dbfile)), this.#dbfile).map(({ path }) => path),
      ...workdir.names(backups).filter(isOfBackup).map((name) => `${backups}/${name}`),
    ];
    return paths.flatMap((path) => {
      const info = ifThere(() => workdir.files.info(path));
      return info?.kind === "file" ? [{ path, ...info }] : [];
    });
  }
}
