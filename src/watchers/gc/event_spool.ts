import { epochSeconds } from "../../clock.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { decideRemovals, type FinishedEntry, type RetentionLimits } from "./retention_policy.ts";
import { SteadyTime } from "../work/steady_time.ts";

/** Files that are looked at or removed in one go before others get their turn. */
const SLICE = 200;

/** Removes from the spools what no one has picked up in all that time. */
export class EventSpool {
  readonly #workdir: Workdir;
  readonly #limits: RetentionLimits;
  readonly #unlessBroken: (path: string, act: () => void) => void;
  readonly #time = new SteadyTime();
  /** Files that are still to be looked at, spool by spool, and those of the first that have been. */
  #toLook: string[][] = [];
  #seen: FinishedEntry[] = [];
  #toRemove: FinishedEntry[] = [];

  /** @param options `unlessBroken` calls `act`, and takes note of what it throws */
  constructor(
    workdir: Workdir,
    options: { limits: RetentionLimits; unlessBroken: (path: string, act: () => void) => void },
  ) {
    this.#workdir = workdir;
    this.#limits = options.limits;
    this.#unlessBroken = options.unlessBroken;
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
      this.#unlessBroken(spool, () => {
        if (this.#workdir.kind(spool) !== "directory") return;
        const files = this.#workdir.files.list(spool).filter(({ kind }) => kind === "file");
        this.#toLook.push(files.map(({ name }) => `${spool}/${name}`));
      });
    }
  }

  /** Gets on, by one slice. @param nowMs the wall clock, which the times of files go by */
  step({ nowMs, monotonicMs }: { nowMs: number; monotonicMs: number }): void {
    const now = epochSeconds(this.#time.at(nowMs, monotonicMs));
    for (const { name } of this.#toRemove.splice(0, SLICE)) this.#unlessBroken(name, () => this.#workdir.remove(name));
    const [first] = this.#toLook;
    if (!first) return;
    for (const path of first.splice(0, SLICE)) {
      this.#unlessBroken(path, () => {
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
