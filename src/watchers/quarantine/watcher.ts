import * as v from "valibot";
import { logger } from "../../log.ts";
import type { QuarantinedEntry } from "../../workdir/store/quarantine.ts";
import { readRecord } from "../../workdir/store/record.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import type { Loop, Outcome } from "../loop.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, it is looked at what is broken, and how often at whether it is still there. */
const LOOK_EVERY_MS = 5_000;
const CHECK_EVERY_MS = 10_000;

/** How often, in milliseconds, a note is written again if nothing but its count has changed. */
const COUNT_EVERY_MS = 10 * 60_000;

/** How long, in milliseconds, what an earlier process or start has met stands by itself: what can meet it does so before. */
const INHERITED_MS = 15 * 60_000;

const NoteSchema = v.object({
  path: v.string(),
  reason: v.string(),
  by: v.string(),
  since: v.string(),
  times: v.number(),
});

/** What is written of a broken entry. */
interface Note {
  entry: QuarantinedEntry;
  since: string;
  /** As last written, and when, on the monotonic clock. */
  reason: string;
  times: number;
  writtenMs: number;
}

const log = logger("set-aside");

/** Writes down what is broken in the work directory, a file for each in `set-aside/`, until it is as it should be or gone. */
export class QuarantineWatcher implements Loop {
  readonly name = "set-aside";
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #notes = new Map<string, Note>();
  /** What was met before and not since: how often, and until when it stands, on the monotonic clock. */
  readonly #inherited = new Map<string, { times: number; untilMs: number }>();
  #isStarted = false;
  #checkAtMs = 0;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">) {
    this.#dependencies = dependencies;
  }

  /** `setAside`: how many entries are broken. */
  get counts(): { setAside: number } {
    return { setAside: this.#dependencies.workdir.broken.size };
  }

  step(_signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock } = this.#dependencies;
    const now = clock.monotonic();
    if (!this.#isStarted) this.#inherit(now);
    this.#isStarted = true;
    if (now >= this.#checkAtMs) this.#forgetGone(now);
    for (const [key, entry] of workdir.broken.all) this.#write(key, entry, now);
    for (const [key, { entry }] of this.#notes) {
      if (workdir.broken.all.has(key)) continue;
      workdir.remove(pathOfNote(workdir, entry));
      this.#notes.delete(key);
      this.#inherited.delete(key);
      log.info("Quarantine cleared", { path: entry.path });
    }
    return Promise.resolve({ kind: "again", atMs: now + LOOK_EVERY_MS });
  }

  /** Takes over what was met before our time, so that it goes away once it is untrue. */
  #inherit(now: number): void {
    const { workdir } = this.#dependencies;
    const { broken, layout } = workdir;
    for (const name of workdir.names(layout.setAside)) {
      const note = readRecord(workdir, `${layout.setAside}/${name}`, NoteSchema);
      if (!note) continue;
      broken.note(note.path, note.reason, note.by);
      const key = broken.keyOf(note.path, note.by);
      const entry = broken.all.get(key);
      if (!entry) continue;
      entry.times += note.times;
      this.#notes.set(key, { entry, since: note.since, reason: note.reason, times: entry.times, writtenMs: now });
    }
    for (const [key, { times }] of broken.all) this.#inherited.set(key, { times, untilMs: now + INHERITED_MS });
  }

  #forgetGone(now: number): void {
    this.#checkAtMs = now + CHECK_EVERY_MS;
    const { workdir } = this.#dependencies;
    for (const [key, { path, by, times }] of workdir.broken.all) {
      const inherited = this.#inherited.get(key);
      const isOld = inherited?.times === times;
      if (!isOld) this.#inherited.delete(key);
      if ((isOld && now > inherited.untilMs) || !isThere(workdir, path)) workdir.broken.clear(path, by);
    }
  }

  #write(key: string, entry: QuarantinedEntry, now: number): void {
    const { workdir, clock } = this.#dependencies;
    const { path, by, reason, times } = entry;
    const before = this.#notes.get(key);
    const hasChanged = reason !== before?.reason || (times > before.times && now > before.writtenMs + COUNT_EVERY_MS);
    if (!hasChanged) return;
    const since = before?.since ?? new Date(clock.now()).toISOString();
    workdir.write(pathOfNote(workdir, entry), `${JSON.stringify({ path, reason, since, times, by })}\n`);
    this.#notes.set(key, { entry, since, reason, times, writtenMs: now });
    // Who could not do something with an entry has said so.
    if (by === "") log.warn("Quarantined: it is not what it should be", { path, reason });
  }
}

/** A name that holds as much of the path as a file name can, and tells it from all others. */
function pathOfNote({ layout }: Workdir, { path, by }: QuarantinedEntry): string {
  const below = path.startsWith(`${layout.root}/`) ? path.slice(layout.root.length + 1) : path;
  let hash = 0;
  for (const character of `${path}\0${by}`) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  const readable = below.replaceAll("/", "+").replace(/[^\w.+-]/g, "_").replace(/^\.+/, "").slice(0, 120);
  return `${layout.setAside}/${readable}-${hash.toString(16)}.json`;
}

/** A name that is not UTF-8 can be listed, and nothing else. */
function isThere(workdir: Workdir, path: string): boolean {
  if (!path.includes("\uFFFD")) return workdir.kind(path) !== undefined;
  const slash = path.lastIndexOf("/");
  return workdir.names(path.slice(0, slash)).includes(path.slice(slash + 1));
}
