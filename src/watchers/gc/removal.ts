import { parseMachineName } from "../../hf/names.ts";
import { hiddenId, hide } from "../../workdir/hidden_directory.ts";
import { inParallel } from "../../workdir/store/in_parallel.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import type { Retries } from "../work/retries.ts";

/** Machines, and entries of return requests, that are removed in one go before others get their turn. */
const SLICE = 200;

/**
 * Removes requests and return requests with all that the work directory holds of their machines. Each is taken away whole
 * first, by hiding its directory, and that is made to last; the directory goes last, so that whatever a crash interrupts is
 * found and finished.
 */
export class Removal {
  readonly #workdir: Workdir;
  readonly #retries: Pick<Retries, "attempt">;
  /** Directories that are hidden already; and those of which that does not last yet. */
  readonly #hidden: string[] = [];
  readonly #hiding: string[] = [];

  /** @param retries notes what cannot be read or removed, by its path */
  constructor(workdir: Workdir, retries: Pick<Retries, "attempt">) {
    this.#workdir = workdir;
    this.#retries = retries;
  }

  /** How many are left to be removed. */
  get size(): number {
    return this.#hidden.length;
  }

  /** Goes on with what was hidden before. */
  resume(hidden: string[]): void {
    this.#hidden.push(...hidden);
  }

  /** Takes this away; that lasts once `makeHiddenLast` has resolved. */
  hide(directory: string): void {
    this.#hiding.push(hide(this.#workdir, directory));
  }

  async makeHiddenLast(): Promise<void> {
    const { layout, files } = this.#workdir;
    const hidden = this.#hiding.splice(0);
    if (hidden.length === 0) return;
    await inParallel([layout.requests, layout.returnRequests], (parent) => files.sync(parent));
    this.#hidden.push(...hidden);
  }

  /** Removes some of what is hidden; what is broken is left to the next `resume`. */
  async removeSlice(): Promise<void> {
    const { files, layout } = this.#workdir;
    const begun: { directory: string; removed: string[]; left: "nothing" | "more" | "broken" }[] = [];
    let isMachineGone = false;
    for (let room = SLICE; room > 0 && this.#hidden.length > 0; room--) {
      const directory = this.#hidden.pop() ?? "";
      this.#retries.attempt(directory, () => {
        const names = this.#workdir.names(directory).filter((name) => parseMachineName(name));
        const some = names.slice(0, room);
        room -= some.length;
        const itsId = this.#idOfMachinesIn(directory);
        const removed = some.filter((name) => {
          if (parseMachineName(name)?.requestId !== itsId) return true;
          isMachineGone = true;
          return this.#removeMachine(name);
        });
        const left = removed.length < some.length ? "broken" : some.length < names.length ? "more" : "nothing";
        begun.push({ directory, removed, left });
      });
    }
    if (isMachineGone) await inParallel([layout.podsStatus, layout.machines], (directory) => files.sync(directory));
    for (const { directory, removed, left } of begun) {
      this.#retries.attempt(directory, () => {
        if (left === "nothing") return files.removeTree(directory);
        for (const name of removed) this.#workdir.remove(`${directory}/${name}`);
        if (left === "more") this.#hidden.push(directory);
      });
    }
  }

  /** The request whose machines go with the directory: none with a return request, nor if it has come again meanwhile. */
  #idOfMachinesIn(directory: string): string | undefined {
    const { layout } = this.#workdir;
    const id = hiddenId(directory);
    const isRequest = directory.startsWith(`${layout.requests}/`);
    return isRequest && this.#workdir.kind(layout.request(id)) === undefined ? id : undefined;
  }

  /** The state goes before the note that explains it. @returns false if something of it is broken */
  #removeMachine(machine: string): boolean {
    const { layout } = this.#workdir;
    return [layout.lostMachine(machine), layout.podStatus(machine), layout.machine(machine)].every((path) =>
      this.#retries.attempt(path, () => this.#workdir.remove(path))
    );
  }
}
