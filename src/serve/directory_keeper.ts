import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/outcome.ts";
import { type LockHolder, noteHolder } from "../workdir/lock.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** How often, in milliseconds, the work directory is looked at. */
const LOOK_EVERY_MS = 1_000;

/**
 * Notices that the work directory is not the one any more that this process has taken: emptied, in part or whole, moved
 * away, replaced by a backup, given to somebody else, or opened to others. What was read of it before says nothing then, and
 * locks on it keep nobody out.
 */
export class DirectoryKeeper implements Loop {
  readonly name = "workdir";
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #holder: LockHolder;
  readonly #viewIsOurs: (() => boolean) | undefined;
  readonly #lost: (reason: string) => void;
  readonly #watchers: readonly string[];
  /** For each watcher the note of who holds its lock, as it was at the start, or as it was written last. */
  #notes: Map<string, string | undefined> | undefined;

  /**
   * @param options `watchers`: those whose locks we hold; `viewIsOurs`: false where a view of the cluster is not the one
   * that we wrote last, absent where we write none: then the notes of who holds the locks are written anew with each look,
   * so that older ones show that a backup was copied over them; `lost` is called once, with why, as a sentence
   */
  constructor(
    { workdir, clock, holder }: { workdir: Workdir; clock: Clock; holder: LockHolder },
    options: { watchers: readonly string[]; viewIsOurs?: (() => boolean) | undefined; lost: (reason: string) => void },
  ) {
    this.#workdir = workdir;
    this.#clock = clock;
    this.#holder = holder;
    this.#watchers = options.watchers;
    this.#viewIsOurs = options.viewIsOurs;
    this.#lost = options.lost;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const notes = this.#notes ??= new Map(this.#watchers.map((watcher) => [watcher, this.#readNote(watcher)]));
    const reason = this.#whyLost(notes);
    if (reason !== undefined) this.#lost(reason);
    else if (!this.#viewIsOurs) this.#renew(notes);
    return Promise.resolve({ kind: "again", atMs: this.#clock.monotonic() + LOOK_EVERY_MS });
  }

  #whyLost(notes: ReadonlyMap<string, string | undefined>): string | undefined {
    const reason = this.#workdir.whyLost;
    if (reason !== undefined) return reason;
    const other = [...notes].find(([watcher, note]) => this.#readNote(watcher) !== note);
    if (other) return `Somebody else has written who watches ${other[0]}`;
    return this.#viewIsOurs?.() === false ? "Somebody else has written its view of the cluster" : undefined;
  }

  #readNote(watcher: string): string | undefined {
    return this.#workdir.readText(this.#workdir.layout.lockHolder(watcher));
  }

  #renew(notes: Map<string, string | undefined>): void {
    const seenAt = new Date(this.#clock.now()).toISOString();
    for (const watcher of this.#watchers) {
      notes.set(watcher, noteHolder(this.#workdir, watcher, { ...this.#holder, seenAt }));
    }
  }
}
