import { parseMachineName } from "../hf/names.ts";
import { hiddenId, hide } from "../workdir/end.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** Machines that are removed in one go before others get their turn. */
const SLICE = 200;

/**
 * Removes requests and return requests with all that the work directory holds of their machines. Each is taken away whole
 * first, by hiding its directory, and that is made to last; the directory goes last, so that whatever a crash interrupts is
 * found and finished.
 */
export class Removal {
  readonly #workdir: Workdir;
  readonly #unlessBroken: (path: string, act: () => void) => boolean;
  /** Directories that are hidden already. */
  #hidden: string[] = [];

  /** @param unlessBroken calls `act`, takes note of what it throws, and tells whether it threw nothing */
  constructor(workdir: Workdir, unlessBroken: (path: string, act: () => void) => boolean) {
    this.#workdir = workdir;
    this.#unlessBroken = unlessBroken;
  }

  /** How many are left to be removed. */
  get size(): number {
    return this.#hidden.length;
  }

  /** Goes on with what was hidden before. */
  resume(hidden: string[]): void {
    this.#hidden.push(...hidden);
  }

  /** Takes these away. */
  hide(directories: string[]): void {
    const { layout, files } = this.#workdir;
    const hidden: string[] = [];
    for (const directory of directories) {
      this.#unlessBroken(directory, () => void hidden.push(hide(this.#workdir, directory)));
    }
    if (hidden.length === 0) return;
    for (const parent of [layout.requests, layout.returnRequests]) files.sync(parent);
    this.#hidden.push(...hidden);
  }

  /** Removes some of what is hidden; what is broken is left to the next `resume`. */
  removeSlice(): void {
    const { files, layout } = this.#workdir;
    const begun: { directory: string; removed: string[]; left: "nothing" | "more" | "broken" }[] = [];
    for (let room = SLICE; room > 0 && this.#hidden.length > 0; room--) {
      const directory = this.#hidden.pop() ?? "";
      this.#unlessBroken(directory, () => {
        const machines = this.#machinesIn(directory);
        const some = machines.slice(0, room);
        room -= some.length;
        const removed = some.filter((machine) => this.#removeMachine(machine));
        const left = removed.length < some.length ? "broken" : some.length < machines.length ? "more" : "nothing";
        begun.push({ directory, removed, left });
      });
    }
    if (begun.some(({ removed }) => removed.length > 0)) {
      for (const directory of [layout.podsStatus, layout.machines]) files.sync(directory);
    }
    for (const { directory, removed, left } of begun) {
      this.#unlessBroken(directory, () => {
        if (left === "nothing") return files.removeTree(directory);
        for (const machine of removed) this.#workdir.remove(`${directory}/${machine}`);
        if (left === "more") this.#hidden.push(directory);
      });
    }
  }

  /** The machines that go with the directory: not those of a request that has come anew under the same id. */
  #machinesIn(directory: string): string[] {
    const { layout } = this.#workdir;
    const id = hiddenId(directory);
    if (!directory.startsWith(`${layout.requests}/`) || this.#workdir.kind(layout.request(id)) !== undefined) return [];
    return this.#workdir.names(directory).filter((name) => parseMachineName(name)?.requestId === id);
  }

  /** The word goes before the note that explains it. @returns false where something of it is broken */
  #removeMachine(machine: string): boolean {
    const { layout } = this.#workdir;
    return [layout.lostMachine(machine), layout.podStatus(machine), layout.machine(machine)].every((path) =>
      this.#unlessBroken(path, () => this.#workdir.remove(path))
    );
  }
}
