import { Budget } from "../../budget.ts";
import type { Clock } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import type { EventCopy } from "../../events/database_copy.ts";
import { backupsBeside } from "../../events/database_files.ts";
import { logger } from "../../log.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";

/** How often, in milliseconds, it is written down how far a copy is. */
const PROGRESS_EVERY_MS = 500;

/** How long, in milliseconds, copying may keep everything else waiting. */
const TURN_MS = 10;

const log = logger("events");

/**
 * Copies the events database to `backups/` beside it, under the legacy plug-in's names (source: `interface-observability.md`,
 * "Rotation, backup, end"), while everything else goes on. What is in the way of that is logged.
 * @param request `identifier`: what the copy is to be called; `copy`: begins to copy the database into a file that is empty
 */
export async function backUp(
  { workdir, clock }: { workdir: Workdir; clock: Clock },
  { dbfile, identifier, copy }: { dbfile: string; identifier: string; copy: (from: string, to: string) => EventCopy },
): Promise<void> {
  const directory = backupsBeside(dbfile);
  const id = identifier.replace(/[^A-Za-z0-9_-]/g, "");
  const stamp = new Date(clock.now()).toISOString().slice(0, 19).replace(/[-:T]/g, "");
  const path = `${directory}/events_bkp_${id}_${stamp}.db`;
  try {
    workdir.makeDirectory(directory);
    const progress = new Progress({ workdir, clock }, `${directory}/backup_progress_${id}_${stamp}.log`);
    const temporary = workdir.temporary(directory);
    workdir.makeFile(temporary, "");
    const copying = workdir.asOwner(() => copy(dbfile, temporary));
    try {
      await copyAll({ workdir, clock }, copying, (done) => progress.note(done, copying.pages));
    } finally {
      copying.close();
    }
    await workdir.files.sync(temporary);
    workdir.files.rename(temporary, path);
    await workdir.files.sync(directory);
    progress.note(1, copying.pages);
    log.info("Events database copied", { dbfile, copy: path });
  } catch (error) {
    log.warn("Events database cannot be copied: make room and ask again", { copy: path, error: describeError(error) });
  }
}

async function copyAll(
  { workdir, clock }: { workdir: Workdir; clock: Clock },
  copying: EventCopy,
  note: (done: number) => void,
): Promise<void> {
  const budget = new Budget(clock, { turnMs: TURN_MS, restPerTurn: 1 });
  let done = 0;
  while (done < 1) {
    done = workdir.asOwner(() => copying.step());
    if (done < 1) note(done);
    if (budget.isSpent) await budget.breathe();
  }
}

/** How far a copy is: a line of JSON every now and then, the last one once it is there. */
class Progress {
  readonly #context: { workdir: Workdir; clock: Clock };
  readonly #path: string;
  #notedMs = -Infinity;

  constructor(context: { workdir: Workdir; clock: Clock }, path: string) {
    this.#context = context;
    this.#path = path;
    context.workdir.makeFile(path, "");
  }

  note(done: number, pages: number): void {
    const { workdir, clock } = this.#context;
    if (done < 1 && clock.monotonic() - this.#notedMs < PROGRESS_EVERY_MS) return;
    this.#notedMs = clock.monotonic();
    const line = {
      copied_pages: Math.round(done * pages),
      total_pages: pages,
      percent_complete: done * 100,
      timestamp: new Date(clock.now()).toISOString().replace("Z", "000Z"),
    };
    workdir.asOwner(() => workdir.files.appendText(this.#path, `${JSON.stringify(line)}\n`));
  }
}
