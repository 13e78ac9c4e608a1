import { describeError } from "../../errors.ts";
import { isNotFound, isSharedTrouble } from "../../files.ts";
import type { GatheringLog } from "../../log.ts";
import { KubeError } from "../../kube/errors.ts";
import { backoffMs } from "./backoff.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Backlog } from "../loop.ts";

/** The entry of the work directory that a key is about, and whose setbacks these are. */
export interface Blame {
  by: string;
  pathOf: (key: string) => string;
}

/**
 * What does not work now, by a key of the caller's: each is tried again with growing patience, and all others go on. Where
 * neither the cluster nor the whole disk is to blame, an entry counts as broken until it works.
 */
export class Retries {
  readonly #workdir: Dependencies["workdir"];
  readonly #blame: Blame | undefined;
  readonly #clock: Dependencies["clock"];
  readonly #random: Dependencies["random"];
  readonly #log: Pick<GatheringLog, "failed">;
  readonly #byKey = new Map<string, { failures: number; againMs: number; reason: string }>();

  /**
   * @param log is told of each setback, and again where its reason changes; not of every try
   * @param blame absent if no entry is to blame
   */
  constructor(
    dependencies: Pick<Dependencies, "workdir" | "clock" | "random">,
    log: Pick<GatheringLog, "failed">,
    blame?: Blame,
  ) {
    this.#workdir = dependencies.workdir;
    this.#blame = blame;
    this.#clock = dependencies.clock;
    this.#random = dependencies.random;
    this.#log = log;
  }

  /** How many there are: all of them failed. */
  get backlog(): Backlog {
    return { all: this.#byKey.size, failed: this.#byKey.size };
  }

  /** True while it is too early to try this again. */
  waits(key: string): boolean {
    return this.#clock.monotonic() < (this.#byKey.get(key)?.againMs ?? 0);
  }

  /** Notes that it did not work. */
  note(key: string, error: unknown): void {
    const before = this.#byKey.get(key);
    const failures = (before?.failures ?? 0) + 1;
    const reason = String(error);
    this.#byKey.set(key, { failures, againMs: this.#clock.monotonic() + backoffMs(failures, this.#random), reason });
    if (before?.reason !== reason) this.#log.failed(key, error);
    const { broken } = this.#workdir;
    if (!this.#blame || error instanceof KubeError || isSharedTrouble(error)) return;
    broken.note(this.#blame.pathOf(key), describeError(error), this.#blame.by);
  }

  /** Notes that it worked, or that no one wants it any more. */
  clear(key: string): void {
    if (!this.#byKey.delete(key) || !this.#blame) return;
    this.#workdir.broken.clear(this.#blame.pathOf(key), this.#blame.by);
  }

  /**
   * Notes that it did not work, unless what it was about has vanished meanwhile: then no one wants it any more.
   * @returns true if that was noted
   */
  noteUnlessGone(key: string, error: unknown): boolean {
    const isGone = isNotFound(error);
    if (isGone) this.clear(key);
    else this.note(key, error);
    return !isGone;
  }

  /**
   * Does this, and notes whether it worked: whatever it throws holds up nothing else.
   * @returns false if it did not work and what it is about is still there
   */
  attempt(key: string, act: (key: string) => void): boolean {
    try {
      act(key);
      this.clear(key);
      return true;
    } catch (error) {
      return !this.noteUnlessGone(key, error);
    }
  }

  /** As `attempt`, for what takes its time. */
  async attemptAsync(key: string, act: (key: string) => Promise<void>): Promise<boolean> {
    try {
      await act(key);
      this.clear(key);
      return true;
    } catch (error) {
      return !this.noteUnlessGone(key, error);
    }
  }

  /** Forgets all that `isWanted` does not want any more. */
  retain(isWanted: (key: string) => boolean): void {
    for (const key of this.#byKey.keys()) if (!isWanted(key)) this.clear(key);
  }

  /** When the first of them may be tried again, on the monotonic clock; infinity if there are none. */
  get nextMs(): number {
    let next = Infinity;
    for (const { againMs } of this.#byKey.values()) next = Math.min(next, againMs);
    return next;
  }
}
