import type { Clock } from "../clock.ts";
import type { Loop, Outcome } from "../watchers/loop.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** How often, in milliseconds, the work directory is looked at. */
const LOOK_EVERY_MS = 1_000;

/** How often, in milliseconds, it is noted that we are there, if a view of the cluster is written beside. */
const NOTE_EVERY_MS = 5_000;

/**
 * Notices that the work directory is not the one any more that this process has taken: emptied, in part or whole, moved
 * away, replaced by a backup, given to somebody else, or opened to others. What was read of it before says nothing then, and
 * locks on it keep no other process out. And keeps the notes beside the locks, by which verbs see that the directory is
 * served.
 */
export class DirectoryKeeper implements Loop {
  readonly name = "workdir";
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #viewIsOurs: (() => boolean) | undefined;
  readonly #lost: (reason: string) => void;
  readonly #note: (standby: string | undefined) => void;
  readonly #trouble: () => string | undefined;
  readonly #watchers: readonly string[];
  /** For each watcher the note beside its lock, as it was at the start, or as it was written last. */
  #notes: ReadonlyMap<string, string | undefined> | undefined;
  #noteDueMs = -Infinity;
  #told: string | undefined;

  /**
   * @param options `watchers`: those whose locks we hold; `viewIsOurs`: false if a view of the cluster is not the one that we
   * wrote last, absent if we write none: then the notes are written with each look, so that older ones show that a backup was
   * copied over them; `lost` is called once, with why, as a sentence; `note` writes the notes, with why the directory may soon
   * not be served any more, if `trouble` says that
   */
  constructor(
    { workdir, clock }: { workdir: Workdir; clock: Clock },
    options: {
      watchers: readonly string[];
      viewIsOurs?: (() => boolean) | undefined;
      lost: (reason: string) => void;
      note: (standby: string | undefined) => void;
      trouble: () => string | undefined;
    },
  ) {
    this.#workdir = workdir;
    this.#clock = clock;
    this.#watchers = options.watchers;
    this.#viewIsOurs = options.viewIsOurs;
    this.#lost = options.lost;
    this.#note = options.note;
    this.#trouble = options.trouble;
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const now = this.#clock.monotonic();
    const trouble = this.#trouble();
    this.#notes ??= this.#readNotes();
    const reason = this.#whyLost(this.#notes);
    if (reason !== undefined) this.#lost(reason);
    else if (!this.#viewIsOurs || now >= this.#noteDueMs || trouble !== this.#told) {
      this.#note(trouble);
      this.#notes = this.#readNotes();
      this.#told = trouble;
      this.#noteDueMs = now + NOTE_EVERY_MS;
    }
    return Promise.resolve({ kind: "again", atMs: this.#clock.monotonic() + LOOK_EVERY_MS });
  }

  #whyLost(notes: ReadonlyMap<string, string | undefined>): string | undefined {
    const reason = this.#workdir.whyLost;
    if (reason !== undefined) return reason;
    const other = [...notes].find(([watcher, note]) => this.#readNote(watcher) !== note);
    if (other) return `Somebody else has written who watches ${other[0]}`;
    return this.#viewIsOurs?.() === false ? "Somebody else has written its view of the cluster" : undefined;
  }

  #readNotes(): Map<string, string | undefined> {
    return new Map(this.#watchers.map((watcher) => [watcher, this.#readNote(watcher)]));
  }

  #readNote(watcher: string): string | undefined {
    return this.#workdir.readText(this.#workdir.layout.lockHolder(watcher));
  }
}
