import { isRequestId } from "../../hf/names.ts";
import { GatheringLog, logger } from "../../log.ts";
import { readFinishedNote } from "../../workdir/finished_note.ts";
import type { Loop, Outcome } from "../loop.ts";
import { Retries } from "../work/retries.ts";
import type { Dependencies } from "../dependencies.ts";

/**
 * How old, in milliseconds, a hidden name must be to belong to no one: who makes one renames it within seconds. Both the
 * file and our first sight of its name count, for a further name of an old file looks as old as that.
 */
const OLD_MS = 10 * 60_000;

/** How often, in milliseconds, directories are looked over. */
const LOOK_EVERY_MS = 10 * 60_000;

/** How long, in milliseconds, after the start of a process that begins: there is enough to do, and nothing is old enough sooner. */
const FIRST_AFTER_MS = 60_000;

/** Entries that are looked at in one go, or one directory, and the pause in milliseconds after that: no one waits for this. */
const SLICE = 2_000;
const PAUSE_MS = 1_000;

const log = logger("leftovers");
const stuck = new GatheringLog("leftovers", "Cannot be looked through or removed", { of: "paths" });

/** Removes what a process that was killed half-way left under a hidden name. */
export class TemporaryFilesWatcher implements Loop {
  readonly name = "leftovers";
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #retries: Retries;
  /** Directories that this round has still to look through, the next one last; those of requests come after all others. */
  #toSweep: string[] = [];
  /** When each hidden name was first seen, on the monotonic clock. */
  readonly #seenAtMs = new Map<string, number>();
  /** When the round that is under way has begun, or the one before; absent before the first step. */
  #roundAtMs: number | undefined;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock" | "random">) {
    this.#dependencies = dependencies;
    this.#retries = new Retries(dependencies, stuck, { by: this.name, pathOf: (path) => path });
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#dependencies;
    this.#roundAtMs ??= clock.monotonic() + FIRST_AFTER_MS - LOOK_EVERY_MS;
    if (this.#toSweep.length === 0) this.#beginRound(this.#roundAtMs + LOOK_EVERY_MS);
    for (let room = SLICE; room > 0 && this.#toSweep.length > 0;) room -= 1 + this.#sweep(this.#toSweep.pop() ?? "");
    const atMs = this.#toSweep.length > 0 ? clock.monotonic() + PAUSE_MS : this.#roundAtMs + LOOK_EVERY_MS;
    return Promise.resolve({ kind: "again", atMs });
  }

  #beginRound(dueMs: number): void {
    const { workdir, clock } = this.#dependencies;
    const now = clock.monotonic();
    if (now < dueMs) return;
    this.#roundAtMs = now;
    for (const [path, seenAtMs] of this.#seenAtMs) {
      if (now - seenAtMs > 3 * LOOK_EVERY_MS) this.#seenAtMs.delete(path); // Long renamed, or gone.
    }
    this.#toSweep = [workdir.layout.root, ...workdir.layout.directories].toReversed();
  }

  /** @returns how many entries were looked at */
  #sweep(directory: string): number {
    const { workdir } = this.#dependencies;
    let looked = 0;
    this.#retries.attempt(directory, () => {
      // No one writes there any more, and it will go with all that it holds.
      if (readFinishedNote(workdir, directory)) return;
      const below: string[] = [];
      for (const { name, kind } of workdir.files.list(directory)) {
        looked++;
        const path = `${directory}/${name}`;
        if (name.startsWith(".new-")) this.#retries.attempt(path, (path) => this.#removeOld(path));
        else if (kind === "directory" && this.#isToSweep(path, { directory, name })) below.push(path);
      }
      if (below.length > 0) this.#toSweep = [...below, ...this.#toSweep];
    });
    return looked;
  }

  /** True for the directory of a request, and what is in none of the layout's own directories. */
  #isToSweep(path: string, { directory, name }: { directory: string; name: string }): boolean {
    const { requests, returnRequests, notified } = this.#dependencies.workdir.layout;
    if (directory === requests || directory === returnRequests) return isRequestId(name);
    return path === notified || directory === notified;
  }

  #removeOld(path: string): void {
    const { workdir: { files, layout }, clock } = this.#dependencies;
    const now = clock.monotonic();
    const seenAtMs = this.#seenAtMs.get(path) ?? now;
    this.#seenAtMs.set(path, seenAtMs);
    if (now - seenAtMs < OLD_MS || Math.abs(clock.now() - files.info(path).modifiedMs) < OLD_MS) return;
    // The work directory itself may be a link; what is in it is not.
    files.removeTree(path, { followLinks: path.lastIndexOf("/") === layout.root.length });
    this.#seenAtMs.delete(path);
    log.info("Removed temporary files of a killed process", { path });
  }
}
