import { RETURNED } from "../../machine/tombstone.ts";
import { Budget } from "../../budget.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Retries } from "../work/retries.ts";

/** Machines that are noted in one go. */
const MOST_NOTED = 500;

/** A return request whose machines are all gone. */
export interface Returned {
  directory: string;
  machines: string[];
}

/** What is noted of the machines of return requests: without these, only that tells that they were given back. */
export class ReturnNotes {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #retries: Pick<Retries, "noteUnlessGone">;

  /** @param retries notes what stands in the way of a return request, by its directory */
  constructor(
    dependencies: Pick<Dependencies, "workdir" | "clock">,
    retries: Pick<Retries, "noteUnlessGone">,
  ) {
    this.#dependencies = dependencies;
    this.#retries = retries;
  }

  /**
   * Notes, to last, what the legacy plug-in's machines have no note of: it is read from their return request.
   * @returns the directories of those return requests of which a machine cannot be noted now
   */
  async write(returned: Returned[]): Promise<Set<string>> {
    const broken = new Set<string>();
    const lacking = new Map<string, string>();
    await this.#each(returned, broken, (machine, directory) => {
      if (this.#lackingNote(machine)) lacking.set(machine, directory);
    });
    while (lacking.size > 0) {
      const some = [...lacking].slice(0, MOST_NOTED);
      const decide = (machine: string) => () => this.#lackingNote(machine);
      const failed = await commit(this.#dependencies, some.map(([machine]) => [machine, decide(machine)]));
      for (const [machine, directory] of some) {
        lacking.delete(machine);
        if (failed.has(machine)) this.#fail(broken, directory, failed.get(machine));
      }
    }
    return broken;
  }

  /**
   * As `write`, and makes all notes last: a power failure may still take some that were not synced. To sync them costs
   * hardly anything by the time that their return requests are long past.
   */
  async makeLast(returned: Returned[]): Promise<Set<string>> {
    const { workdir } = this.#dependencies;
    const broken = await this.write(returned);
    const notes: { path: string; directory: string }[] = [];
    await this.#each(returned, broken, (machine, directory) => {
      const path = workdir.layout.machine(machine);
      if (workdir.kind(path) === "file") notes.push({ path, directory });
    });
    await inParallel(notes, async ({ path, directory }) => {
      try {
        await workdir.files.sync(path);
      } catch (error) {
        this.#fail(broken, directory, error);
      }
    });
    return broken;
  }

  async #each(
    returned: Returned[],
    broken: Set<string>,
    act: (machine: string, directory: string) => void,
  ): Promise<void> {
    const budget = new Budget(this.#dependencies.clock);
    for (const { directory, machines } of returned) {
      for (const machine of machines) {
        if (budget.isSpent) await budget.breathe();
        try {
          act(machine, directory);
        } catch (error) {
          this.#fail(broken, directory, error);
        }
      }
    }
  }

  #fail(broken: Set<string>, directory: string, error: unknown): void {
    if (this.#retries.noteUnlessGone(directory, error)) broken.add(directory);
  }

  /** The note on a machine that has none though it is called gone. */
  #lackingNote(machine: string): Change | undefined {
    const { workdir } = this.#dependencies;
    const state = readState(workdir, machine);
    if (state !== "deleted" || readTombstone(workdir, machine)) return undefined;
    return { state, tombstone: RETURNED, lasts: true };
  }
}
