import { Budget } from "../../budget.ts";
import { describeError } from "../../errors.ts";
import { epochSeconds } from "../../clock.ts";
import { logger } from "../../log.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Loop, Outcome } from "../loop.ts";
import { Complaints } from "../work/complaints.ts";

/** How often, in milliseconds, it is looked for new directories. */
const LOOK_EVERY_MS = 1_000;

/** How long, in milliseconds, recording may keep everything else waiting, but for a file that takes longer. */
const TURN_MS = 10;

/** How long, in milliseconds, a directory may still be being filled: some wrappers do not rename it into place. */
const UNFINISHED_MS = 10_000;

/** A file that is larger is left out, in bytes. */
const LARGEST_FILE = 16 * 1024 * 1024;

/** What says that a directory was recorded. */
const PROCESSED = ".processed";

const log = logger("request-io");

/**
 * Records what sites' wrappers of the provider scripts leave in `requests-io/`: of each directory
 * `<a>.<b>.<category>.….<id>` each file is a pair of an event, with the file's time (source: `interface-observability.md`,
 * "Other watchers"). A batch has the directory's name, so that one that is recorded twice is one.
 */
export class RequestIoWatcher implements Loop {
  readonly name = "request-io";
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #done = new Set<string>();
  readonly #complaints = new Complaints((directory, error) => log.warn("Not recorded", { directory, error }));

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">) {
    this.#dependencies = dependencies;
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { workdir, clock } = this.#dependencies;
    const budget = new Budget(clock, { turnMs: TURN_MS });
    const there = workdir.directories(workdir.layout.requestsIo);
    const isThere = new Set(there);
    for (const name of this.#done) if (!isThere.has(name)) this.#done.delete(name);
    for (const name of there.filter((name) => !this.#done.has(name))) {
      if (budget.isSpent) await budget.breathe();
      if (signal.aborted) break;
      try {
        if (this.#record(name)) this.#done.add(name);
      } catch (error) {
        this.#complaints.note(name, error);
      }
    }
    return { kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS };
  }

  /** @returns false if it may still be being filled */
  #record(name: string): boolean {
    const { workdir } = this.#dependencies;
    const directory = `${workdir.layout.requestsIo}/${name}`;
    if (workdir.kind(`${directory}/${PROCESSED}`) !== undefined) return true;
    const [, , category, ...rest] = name.split(".");
    const id = rest.at(-1) ?? category;
    if (category === undefined || id === undefined) {
      this.#complaints.note(name, new Error("its name is not <a>.<b>.<category>.<id>"));
      return true;
    }
    const events = this.#eventsIn(directory, { category, id });
    if (events === undefined) return false;
    if (events.length > 0) workdir.write(`${workdir.layout.events}/${name}`, JSON.stringify(events));
    workdir.makeFile(`${directory}/${PROCESSED}`, "");
    return true;
  }

  /** @returns nothing if it may still be being filled */
  #eventsIn(directory: string, about: { category: string; id: string }): object[] | undefined {
    const { workdir, clock } = this.#dependencies;
    const isYoung = Math.abs(clock.now() - workdir.files.info(directory).modifiedMs) < UNFINISHED_MS;
    const names = workdir.names(directory).filter((name) => workdir.kind(`${directory}/${name}`) === "file");
    if (names.length === 0 && isYoung) return undefined;
    const events: object[] = [];
    for (const name of names) {
      const path = `${directory}/${name}`;
      try {
        const text = workdir.files.readText(path, { followLinks: false, mostBytes: LARGEST_FILE });
        const timestamp = epochSeconds(workdir.files.info(path).modifiedMs);
        events.push({ ...about, [name]: text.trim() === "" ? {} : JSON.parse(text), timestamp });
      } catch (error) {
        if (isYoung) return undefined;
        log.warn("A file is no JSON, and left out", { path, error: describeError(error) });
      }
    }
    return events;
  }
}
