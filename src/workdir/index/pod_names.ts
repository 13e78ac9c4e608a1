import { DirectoryChanges } from "../store/directory_changes.ts";
import type { Workdir } from "../store/workdir.ts";

/** The names in `pods/`, for all watchers of a process: listed again if the directory has changed, and once a minute. */
export class PodNames {
  readonly #workdir: Workdir;
  readonly #changes: DirectoryChanges;
  #names: ReadonlySet<string> = new Set();
  #revision = 0;

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
    this.#changes = new DirectoryChanges(workdir, workdir.layout.pods);
  }

  /** The names as of the last `refresh`. */
  get all(): ReadonlySet<string> {
    return this.#names;
  }

  /** Another number after each `refresh` that has listed them; a file may also be another than before. */
  get revision(): number {
    return this.#revision;
  }

  /** @param nowMs see `DirectoryChanges.look` */
  refresh(nowMs: number): void {
    switch (this.#changes.look(nowMs)) {
      case "unchanged":
        return;
      case "missing":
        this.#names = new Set();
        break;
      case "changed":
        try {
          this.#names = new Set(this.#workdir.names(this.#workdir.layout.pods));
        } catch (error) {
          this.#changes.forget();
          throw error;
        }
    }
    this.#revision++;
  }
}
