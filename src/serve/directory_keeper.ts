import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/outcome.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** How often, in milliseconds, the work directory is looked at. */
const LOOK_EVERY_MS = 1_000;

/**
 * Notices that the work directory is not the one any more that this process has taken: emptied, in part or whole, moved
 * away, or replaced by a backup. What was read of it before says nothing then, and locks on it keep nobody out.
 */
export class DirectoryKeeper implements Loop {
  readonly name = "workdir";
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #viewIsOurs: () => boolean;
  readonly #lost: () => void;
  /** The notes of who holds the locks, as they were at the start. */
  #holders: ReadonlyMap<string, string | undefined> | undefined;
  readonly #paths: string[];

  /**
   * @param options `watchers`: those whose locks we hold; `viewIsOurs`: false where a view of the cluster is not the one
   * that we wrote last; `lost` is called once
   */
  constructor(
    { workdir, clock }: { workdir: Workdir; clock: Clock },
    options: { watchers: readonly string[]; viewIsOurs: () => boolean; lost: () => void },
  ) {
    this.#workdir = workdir;
    this.#clock = clock;
    this.#viewIsOurs = options.viewIsOurs;
    this.#lost = options.lost;
    this.#paths = options.watchers.map((watcher) => workdir.layout.lockHolder(watcher));
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    if (!this.#isOurs()) this.#lost();
    return Promise.resolve({ kind: "again", atMs: this.#clock.monotonic() + LOOK_EVERY_MS });
  }

  #isOurs(): boolean {
    const workdir = this.#workdir;
    this.#holders ??= new Map(this.#paths.map((path) => [path, workdir.readText(path)]));
    return workdir.inode === workdir.preparedInode &&
      workdir.layout.directories.every((directory) => workdir.kind(directory) === "directory") &&
      [...this.#holders].every(([path, text]) => workdir.readText(path) === text) && this.#viewIsOurs();
  }
}
