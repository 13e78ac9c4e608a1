import { isRequestId } from "../../hf/names.ts";
import { Arrivals } from "../../workdir/store/arrivals.ts";
import type { Retries } from "./retries.ts";
import type { Dependencies } from "../dependencies.ts";

/** How long, in milliseconds, requests are read before others get their turn: at the start all that ever came are new. */
const SLICE_MS = 30;

/** Of which requests an intake is. */
export interface InboxOptions<Stored> {
  what: "request" | "return request";
  directory: string;
  isProcessed: (id: string) => boolean;
  read: (id: string) => Stored | undefined;
  /** Takes up one that has not been handled. What it throws, it is asked again for. */
  take: (stored: Stored) => void | Promise<void>;
  retries: Retries;
  /** Has to make `step` run again soon. */
  wake: () => void;
}

/**
 * Gives each request, or each return request, that is not handled to be taken up once. What cannot be read now is read
 * later, and holds up no other.
 */
export class Inbox<Stored> {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #options: InboxOptions<Stored>;
  readonly #arrivals: Arrivals;
  /** Those that have come and have not been read yet. */
  readonly #toTake = new Set<string>();
  /** Those that were there before this process, but for the ones that were handled then. Absent until known. */
  #inherited: Set<string> | undefined;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">, options: InboxOptions<Stored>) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#arrivals = new Arrivals(dependencies.workdir, options.directory);
  }

  /** True while it has come and has not been read. */
  has(id: string): boolean {
    return this.#toTake.has(id);
  }

  /** True if it was there before this process: another one may have begun with it. */
  isInherited(id: string): boolean {
    return this.#inherited?.has(id) ?? true;
  }

  /** Reads some of those that have come. */
  async step(): Promise<void> {
    const { clock } = this.#dependencies;
    const arrived = this.#arrivals.next(clock.now());
    this.#inherited ??= new Set(arrived);
    for (const id of arrived) this.#toTake.add(id);
    const { retries, wake } = this.#options;
    const untilMs = clock.monotonic() + SLICE_MS;
    for (const id of this.#toTake) {
      if (retries.waits(id)) continue;
      if (clock.monotonic() > untilMs) return wake();
      try {
        await this.#read(id);
        retries.clear(id);
        this.#toTake.delete(id);
      } catch (error) {
        retries.note(id, error);
      }
    }
  }

  async #read(id: string): Promise<void> {
    const { broken } = this.#dependencies.workdir;
    const { what, directory, isProcessed, read, take } = this.#options;
    const path = `${directory}/${id}`;
    if (isRequestId(id) && isProcessed(id)) {
      broken.clear(path);
      this.#inherited?.delete(id);
      return;
    }
    const stored = isRequestId(id) ? read(id) : undefined;
    const distrust = stored && this.#dependencies.workdir.distrust(path);
    if (!stored || distrust !== undefined) {
      broken.note(path, distrust ?? `It is not a ${what}`);
      return this.#arrivals.reconsider(id);
    }
    broken.clear(path);
    await take(stored);
  }
}
