import { epochSeconds } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import { logger } from "../../log.ts";
import { readDeletions, writeDeletions } from "../../workdir/deletions.ts";
import type { Dependencies } from "../dependencies.ts";

/** For how long, in milliseconds, deletions are counted, and how long one that is held waits for its second look. */
const WINDOW_MS = 60_000;

/** So many deletions within that time are never too many; nor is this share of all pods. */
const FEW = 10;
const SHARE = 0.1;

const log = logger("expiry");

/**
 * Holds deletions that Symphony has not asked for, once there are many: what seems to be wrong with a tenth of all machines
 * within a minute is more likely wrong with what we see. Each that is held is looked at again a minute later.
 */
export class DeletionBrake {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  /** When the deletions of the last minute were let go, on the monotonic clock, the oldest first. */
  #times: number[] = [];
  /** By machine, since when its pod has been held, on the monotonic clock. */
  readonly #heldSinceMs = new Map<string, number>();
  readonly #released = new Set<string>();
  #limit = FEW;
  #isNoted = true;
  #notedHeld = 0;
  #isBegun = false;

  constructor(dependencies: Pick<Dependencies, "workdir" | "clock">) {
    this.#dependencies = dependencies;
  }

  /** How many are held now. */
  get held(): number {
    return this.#heldSinceMs.size;
  }

  /** Begins a look at all machines that have pods. */
  begin(machines: ReadonlySet<string>): void {
    const now = this.#dependencies.clock.monotonic();
    if (!this.#isBegun) this.#inherit(now);
    this.#isBegun = true;
    this.#limit = Math.max(FEW, Math.floor(machines.size * SHARE));
    this.#times = this.#times.filter((atMs) => now - atMs < WINDOW_MS);
    for (const known of [this.#heldSinceMs, this.#released]) {
      for (const machine of known.keys()) if (!machines.has(machine)) known.delete(machine);
    }
  }

  /**
   * What may become of a machine's pod that is to be deleted: `go`, it may be; `held`, not now; `look`, it may be if another look at the
   * cluster says the same, and then `release` has to be called.
   */
  ask(machine: string): "go" | "held" | "look" {
    if (this.#released.has(machine)) return "go";
    const now = this.#dependencies.clock.monotonic();
    const heldSinceMs = this.#heldSinceMs.get(machine);
    if (heldSinceMs !== undefined) return now - heldSinceMs >= WINDOW_MS ? "look" : "held";
    if (this.#times.length >= this.#limit) {
      if (this.#heldSinceMs.size === 0) {
        log.warn("Deletions paused: there are too many at once; each is looked at again in a minute", {
          withinLastMinute: this.#times.length,
          limit: this.#limit,
        });
      }
      this.#heldSinceMs.set(machine, now);
      return "held";
    }
    this.#times.push(now);
    this.#isNoted = false;
    this.release(machine);
    return "go";
  }

  /** Lets a pod go: the second look has said the same as the first. */
  release(machine: string): void {
    this.#heldSinceMs.delete(machine);
    this.#released.add(machine);
  }

  /** Forgets a pod that need not be deleted after all. */
  forget(machine: string): void {
    this.#heldSinceMs.delete(machine);
  }

  /**
   * Writes down how many there were, so that a process that is started again and again does not begin to count each time, and
   * how many are held, for who asks how the grid is.
   */
  note(): void {
    if (this.#isNoted && this.#notedHeld === this.held) return;
    const { workdir, clock } = this.#dependencies;
    const nowMs = clock.now();
    const [firstMs] = this.#heldSinceMs.values();
    const held = firstMs === undefined
      ? undefined
      : { count: this.held, since: epochSeconds(nowMs - (clock.monotonic() - firstMs)) };
    try {
      writeDeletions(workdir, { at: epochSeconds(nowMs), count: this.#times.length, held });
      this.#isNoted = true;
      this.#notedHeld = this.held;
    } catch (error) {
      log.warn("The number of deletions cannot be noted", { error: describeError(error) });
    }
  }

  #inherit(now: number): void {
    const { workdir, clock } = this.#dependencies;
    const noted = readDeletions(workdir);
    this.#notedHeld = noted?.held?.count ?? 0;
    if (!noted || Math.abs(clock.now() - noted.at * 1000) >= WINDOW_MS) return;
    this.#times = Array.from({ length: Math.min(noted.count, 1_000_000) }, () => now);
  }
}
