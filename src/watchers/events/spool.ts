import { ifThere, isNotFound } from "../../files.ts";
import { logger } from "../../log.ts";
import { eventsOf, type SpooledEvent } from "../../events/rows.ts";
import { describeError } from "../../errors.ts";
import type { Clock } from "../../clock.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { Complaints } from "../work/complaints.ts";

/** A batch of events as a file of the spool holds it. */
export interface Batch {
  path: string;
  events: SpooledEvent[];
}

/** What waits in the spool, at most: more than a busy day of a grid of 10,000 machines. */
export interface SpoolLimits {
  files: number;
  bytes: number;
}
export const SPOOL_LIMITS: SpoolLimits = { files: 50_000, bytes: 256 * 1024 * 1024 };

/** A batch that is larger is dropped, in bytes: the largest of ours, of 30,000 machines, has 6 MB. */
const LARGEST_BATCH = 64 * 1024 * 1024;

/** How long, in milliseconds, a file that is not whole may still be being written: some programs do not rename it into place. */
const UNFINISHED_MS = 10_000;

const log = logger("events");

/** The batches that wait in `events/`. */
export class EventSpoolReader {
  readonly #workdir: Workdir;
  readonly #clock: Clock;
  readonly #complaints = new Complaints((path, error) => log.warn("Event batch cannot be read yet", { path, error }));
  #dropped = 0;

  constructor({ workdir, clock }: { workdir: Workdir; clock: Clock }) {
    this.#workdir = workdir;
    this.#clock = clock;
  }

  /** How many batches were dropped: not JSON, too large, or too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The paths of the batches that wait, in no order. */
  paths(): string[] {
    const { events } = this.#workdir.layout;
    if (this.#workdir.kind(events) !== "directory") return [];
    return this.#workdir.files.list(events)
      .filter(({ name, kind }) => kind === "file" && !name.startsWith("."))
      .map(({ name }) => `${events}/${name}`);
  }

  /** @returns `undefined` if it is gone, cannot be read yet, or was no batch of events and is dropped */
  read(path: string): Batch | undefined {
    let text: string;
    try {
      text = this.#workdir.files.readText(path, { followLinks: false, mostBytes: LARGEST_BATCH });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if ((error as { code?: unknown }).code === "EFBIG") return this.#drop([path], describeError(error));
      return void this.#complaints.note(path, error);
    }
    const events = parsed(text);
    if (events) return { path, events };
    const { modifiedMs } = this.#workdir.files.info(path);
    const mayBeUnfinished = Math.abs(this.#clock.now() - modifiedMs) < UNFINISHED_MS;
    return mayBeUnfinished ? undefined : this.#drop([path], "it holds no events as JSON");
  }

  remove(path: string): void {
    this.#workdir.remove(path);
  }

  /** Drops the oldest batches that are beyond the limits. @returns how many are left */
  bound(limits: SpoolLimits): number {
    const files = this.paths().flatMap((path) => {
      const info = ifThere(() => this.#workdir.files.info(path));
      return info ? [{ path, ...info }] : [];
    }).sort((a, b) => b.modifiedMs - a.modifiedMs);
    let bytes = 0;
    const beyond = files.filter(({ size }, index) => {
      bytes += size;
      return index >= limits.files || bytes > limits.bytes;
    });
    if (beyond.length > 0) this.#drop(beyond.map(({ path }) => path), "too many wait to be stored");
    return files.length - beyond.length;
  }

  #drop(paths: string[], why: string): undefined {
    for (const path of paths) this.remove(path);
    this.#dropped += paths.length;
    log.warn("Event batches dropped", { batches: paths.length, first: paths[0], why });
  }
}

function parsed(text: string): SpooledEvent[] | undefined {
  try {
    return eventsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}
