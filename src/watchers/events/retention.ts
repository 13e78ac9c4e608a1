import { Budget } from "../../budget.ts";
import { epochSeconds } from "../../clock.ts";
import { isNotFound } from "../../files.ts";
import type { EventStore } from "../../events/database.ts";
import { logger } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import { backupsBeside } from "./backups.ts";

/** What of events is kept. */
export interface EventRetention {
  /** How long, in seconds. */
  retainSeconds: number;
  /** How much, in bytes: of the database; and of what was put aside and copied, together. */
  mostBytes: number;
}

/** How often, in milliseconds, it is looked for what is past. */
const LOOK_EVERY_MS = 60_000;

/** How long, in milliseconds, removing may keep everything else waiting. */
const TURN_MS = 10;

const log = logger("events");

/** Removes what is past: rows of the database, and the files of databases that were put aside or copied. */
export class EventRetentionKeeper {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #limits: EventRetention;
  readonly #dbfile: string;
  #atMs: number;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">, limits: EventRetention & { dbfile: string }) {
    this.#dependencies = dependencies;
    this.#limits = limits;
    this.#dbfile = limits.dbfile;
    this.#atMs = dependencies.clock.monotonic();
  }

  /** Does what is due, until `signal` aborts. @param store absent: no database is open, and what was put aside alone is looked at */
  async look(store: EventStore | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    if (clock.monotonic() < this.#atMs) return;
    this.#atMs = clock.monotonic() + LOOK_EVERY_MS;
    this.#removeFiles();
    if (store) await this.#removeRows(store, signal);
  }

  async #removeRows(store: EventStore, signal: AbortSignal): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    const { retainSeconds, mostBytes } = this.#limits;
    const before = epochSeconds(clock.now()) - retainSeconds;
    const budget = new Budget(clock, { turnMs: TURN_MS, restPerTurn: 1 });
    const removeSlice = () => workdir.asOwner(() => store.removePast({ before, mostBytes }));
    while (!signal.aborted && removeSlice()) if (budget.isSpent) await budget.breathe();
  }

  /** The oldest go first. */
  #removeFiles(): void {
    const { workdir, clock } = this.#dependencies;
    const { retainSeconds, mostBytes } = this.#limits;
    const oldestMs = clock.now() - retainSeconds * 1000;
    let bytes = 0;
    for (const { path, size, modifiedMs } of this.#files().sort((a, b) => b.modifiedMs - a.modifiedMs)) {
      bytes += size;
      if (modifiedMs >= oldestMs && bytes <= mostBytes) continue;
      workdir.remove(path);
      log.info("Events of long ago removed", { path });
    }
  }

  /** What was put aside or copied, with its size and when it was last changed. */
  #files(): { path: string; size: number; modifiedMs: number }[] {
    const { workdir } = this.#dependencies;
    const directory = this.#dbfile.slice(0, this.#dbfile.lastIndexOf("/")) || "/";
    const base = this.#dbfile.slice(directory.length + 1).replace(/\.[^.]*$/, "");
    const isAside = (name: string) => name.startsWith(`${base}.`) && /^\d{13}$/.test(name.slice(base.length + 1));
    const isOfBackup = (name: string) => /^(events_bkp_.*\.db|backup_progress_.*\.log)$/.test(name);
    const backups = backupsBeside(this.#dbfile);
    const paths = [
      ...workdir.names(directory).filter(isAside).map((name) => `${directory}/${name}`),
      ...workdir.names(backups).filter(isOfBackup).map((name) => `${backups}/${name}`),
    ];
    return paths.flatMap((path) => {
      try {
        const { kind, size, modifiedMs } = workdir.files.info(path);
        return kind === "file" ? [{ path, size, modifiedMs }] : [];
      } catch (error) {
        if (isNotFound(error)) return [];
        throw error;
      }
    });
  }
}
