import { machineStatus } from "../hf/status.ts";
import { readStatusWord } from "../workdir/machines.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** Pods whose files are looked for in one go: with a look each second, those of 10,000 within a minute. */
const FILES_PER_LOOK = 200;

/** Whether the files of the pods that are followed are still there. */
export class KeptFiles {
  readonly #workdir: Workdir;
  readonly #pods: ReadonlyMap<string, unknown>;
  /** The machines that are still to be looked at in this round. */
  #left: Iterator<string>;

  /** @param pods by machine; what comes and goes in it meanwhile is heeded */
  constructor(workdir: Workdir, pods: ReadonlyMap<string, unknown>) {
    this.#workdir = workdir;
    this.#pods = pods;
    this.#left = pods.keys();
  }

  /** Looks for some, for others with each call. The file of a machine that is over may have gone before it. */
  areThere(): boolean {
    const { layout } = this.#workdir;
    for (let n = 0; n < FILES_PER_LOOK; n++) {
      const { value: name, done } = this.#left.next();
      if (done) {
        this.#left = this.#pods.keys();
        break;
      }
      if (this.#workdir.kind(layout.pod(name)) !== undefined) continue;
      const word = readStatusWord(this.#workdir, name);
      if (word === undefined || machineStatus(word) !== "terminated") return false;
    }
    return true;
  }
}
