import { epochSeconds } from "../../clock.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { decideRemovals, type FinishedEntry, type RetentionLimits } from "./retention_policy.ts";
import type { Retries } from "../work/retries.ts";
import { SteadyTime } from "../work/steady_time.ts";

/** Files that are looked at or removed in one go before others get their turn. */
const SLICE = 200;

/** Removes from the spools what no one has picked up in all that time. */
export class EventSpool {
  readonly #workdir: Workdir;
  readonly #limits: RetentionLimits;
  readonly #retries: Pick<Retries, "attempt">;
  readonly #time = new SteadyTime();
  /** Files that are still to be looked at, spool by spool, and those of the first that have been. */
  #toLook: string[][] = [];
  #seen: FinishedEntry[] = [];
  #toRemove: FinishedEntry[] = [];

  /** @param options `retries` notes what cannot be read or removed, by its path */
  constructor(
    workdir: Workdir,
    options: { limits: RetentionLimits; retries: Pick<Retries, "attempt"> },
  ) {
    this.#workdir = workdir;
    this.#limits = options.limits;
    this.#retries = options.retries;
  }

  /** How many are left to be looked through or removed. */
  get size(): number {
    return this.#toLook.length + this.#toRemove.length;
  }

  /** Begins again. */
  begin(): void {
    this.#seen = [];
    this.#toLook = [];
    for (const spool of this.#limits.spools ?? this.#workdir.layout.spools) {
      this.#retries.attempt(spool, () => {
        if (this.#workdir.kind(spool) !== "directory") return;
        const files = this.#workdir.files.list(spool).filter(({ kind }) => kind === "file");
        this.#toLook.push(files.map(({ name }) => `${spool}/${name}`));
      });
    }
  }

  /** Gets on, by one slice. @param nowMs the wall clock, which the times of files go by */
  step({ nowMs, monotonicMs }: { nowMs: number; monotonicMs: number }): void {
    const now = epochSeconds(this.#time.at(nowMs, monotonicMs));
    for (const { name } of this.#toRemove.splice(0, SLICE)) {
      this.#retries.attempt(name, () => this.#workdir.remove(name));
    }
    const [first] = this.#toLook;
    if (!first) return;
    for (const path of first.splice(0, SLICE)) {
      this.#retries.attempt(path, () => {
        const endedAt = epochSeconds(this.#workdir.files.info(path).modifiedMs);
        this.#seen.push({ name: path, kind: "file", endedAt, machines: 1 });
      });
    }
    if (first.length > 0) return;
    this.#toRemove.push(...decideRemovals(this.#seen, { ...this.#limits, now }));
    this.#seen = [];
    this.#toLook.shift();
  }
}
