import type { Picture, PictureTaker } from "../admin/picture.ts";
import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import type { MachineRow, PageMessage, Sections, Times } from "./messages.ts";
import { Readers } from "./readers.ts";
import { isSameRow, machineRow } from "./rows.ts";

/** How often a picture is taken while a page is open, and how often readers get a beat, in milliseconds. */
const TAKE_EVERY_MS = 1_000;
const BEAT_EVERY_MS = 5_000;

/**
 * The rest after taking a picture, as a multiple of the time that it took: the other work of serve goes first.
 * `MOST_REST_MS` limits it, because on a busy host most of the time was spent waiting.
 */
const REST_PER_TAKE = 50;
const MOST_REST_MS = 5_000;

const log = logger("page");

/** Where pictures come from, and who gets them. */
export interface LivePictureOptions {
  taker: Pick<PictureTaker, "take">;
  /**
   * Takes the very first picture in less time: see `PictureOptions.isBrief`. What it leaves out follows as a change.
   */
  first: Pick<PictureTaker, "take">;
  /** The sections of a message beside the machines. */
  sections: (picture: Picture) => Promise<Sections>;
  clock: Clock;
}

/** Keeps a picture up to date while there are readers, and sends them the changes. */
export class LivePicture {
  readonly readers: Readers;
  readonly #options: LivePictureOptions;
  #rows = new Map<string, MachineRow>();
  #sections: Sections | undefined;
  /** The sections that were last sent, as JSON. */
  #texts = new Map<string, string>();
  #at = 0;
  #beatAtMs = -Infinity;
  #hasFailed = false;
  /** Ends the wait that is under way. */
  #wake = new AbortController();

  constructor(options: LivePictureOptions) {
    this.#options = options;
    this.readers = new Readers(() => this.#wake.abort(NOT_NEEDED));
  }

  /** Keeps it up to date until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stop = () => this.#wake.abort(NOT_NEEDED);
    signal.addEventListener("abort", stop, { once: true });
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const beganMs = clock.monotonic();
      const isFirst = this.#sections === undefined;
      if (this.readers.size > 0) await this.#update();
      if (isFirst && this.#sections) continue;
      const wantedMs = REST_PER_TAKE * (clock.monotonic() - beganMs);
      const restMs = Math.max(TAKE_EVERY_MS, Math.min(wantedMs, MOST_REST_MS));
      if (signal.aborted) break;
      await this.#rest(restMs);
    }
    signal.removeEventListener("abort", stop);
    this.readers.end();
  }

  /** Waits for `ms`, or until a reader comes; without readers, until one comes. */
  async #rest(ms: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#wake;
    for (let leftMs = this.readers.size > 0 ? ms : Infinity; leftMs > 0 && !signal.aborted; leftMs -= BEAT_EVERY_MS) {
      await clock.sleep(Math.min(leftMs, this.readers.size > 0 ? BEAT_EVERY_MS : Infinity), signal).catch(() => {});
      if (leftMs > BEAT_EVERY_MS && this.#sections) this.#tell(undefined);
    }
  }

  async #update(): Promise<void> {
    try {
      const { taker, first } = this.#options;
      const picture = await (this.#sections ? taker : first).take();
      const sections = await this.#options.sections(picture);
      this.#tell(this.#take(picture, sections));
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) log.error("The page is not up to date", { error: describeError(error) });
      this.#hasFailed = true;
    }
  }

  /** @returns what has changed since the last picture; `undefined` if nothing has */
  #take(picture: Picture, sections: Sections): PageMessage | undefined {
    this.#at = this.#options.clock.now();
    const before = this.#rows;
    this.#rows = new Map();
    const machines: MachineRow[] = [];
    for (const machine of picture.machines) {
      const row = machineRow(machine);
      const known = before.get(machine.name);
      const isSame = known !== undefined && isSameRow(known, row);
      this.#rows.set(machine.name, isSame ? known : row);
      if (!isSame) machines.push(row);
    }
    const gone = [...before.keys()].filter((name) => !this.#rows.has(name));
    const changed = Object.entries(sections).filter(([name, section]) => {
      const text = JSON.stringify(section);
      if (this.#texts.get(name) === text) return false;
      this.#texts.set(name, text);
      return true;
    });
    this.#sections = sections;
    if (machines.length + gone.length + changed.length === 0) return undefined;
    return { kind: "change", ...this.#times, ...Object.fromEntries(changed), machines, gone };
  }

  #tell(news: PageMessage | undefined): void {
    const nowMs = this.#options.clock.monotonic();
    const isBeatDue = nowMs >= this.#beatAtMs;
    const message = news ?? (isBeatDue ? { kind: "beat" as const, ...this.#times } : undefined);
    if (message) this.#beatAtMs = nowMs + BEAT_EVERY_MS;
    let whole: Uint8Array | undefined;
    this.readers.tell(message && encoded(message), { whole: () => whole ??= encoded(this.#whole()), nowMs });
  }

  #whole(): PageMessage {
    return { kind: "picture", ...this.#times, ...this.#sections!, machines: [...this.#rows.values()] };
  }

  get #times(): Times {
    return { at: this.#at, now: this.#options.clock.now() };
  }
}

/** A message as a server-sent event (source: HTML standard). One line is enough, because our JSON has no newlines. */
function encoded(message: PageMessage): Uint8Array {
  return new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`);
}
