import { parseMachineName } from "../../hf/names.ts";
import { readState } from "../../workdir/machines.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { isOver } from "./retention_policy.ts";
import type { Retries } from "../work/retries.ts";

/** How often, in milliseconds, it is looked for them. */
const LOOK_EVERY_MS = 3_600_000;

/** How long, in milliseconds, a machine has to have been without a request at most: nothing tells since when it has been. */
const LONGEST_MS = 24 * 3_600_000;

/** Names that are looked at in one go before others get their turn. */
const SLICE = 2_000;

/** Removes what is left of machines whose requests somebody has taken away. Those that have pods get their requests back. */
export class Orphans {
  readonly #workdir: Workdir;
  readonly #retries: Pick<Retries, "attempt">;
  readonly #isBeingReturned: (machine: string) => boolean;
  readonly #keptMs: number;
  /** When each was first seen without a request, on the monotonic clock. */
  readonly #sinceMs = new Map<string, number>();
  #nextMs = -Infinity;
  /** Directories that are still to be listed, and names that are still to be looked at. */
  #toList: string[] = [];
  #toLook: string[] = [];

  /** @param options `retries` notes what cannot be read or removed, by its path */
  constructor(
    workdir: Workdir,
    options: {
      retainSeconds: number;
      isBeingReturned: (machine: string) => boolean;
      retries: Pick<Retries, "attempt">;
    },
  ) {
    this.#workdir = workdir;
    this.#isBeingReturned = options.isBeingReturned;
    this.#retries = options.retries;
    this.#keptMs = Math.min(LONGEST_MS, options.retainSeconds * 1000);
  }

  /** How many are left to be looked through. */
  get size(): number {
    return this.#toList.length + this.#toLook.length;
  }

  /** Begins again, if it is time. @param nowMs the monotonic clock, as below */
  begin(nowMs: number): void {
    if (this.size > 0 || nowMs < this.#nextMs) return;
    const { podsStatus, machines, lost } = this.#workdir.layout;
    this.#nextMs = nowMs + Math.min(LOOK_EVERY_MS, this.#keptMs / 4);
    this.#toList = [podsStatus, machines, lost];
    for (const name of this.#sinceMs.keys()) {
      this.#retries.attempt(podsStatus, () => void (this.#isOrphan(name) || this.#sinceMs.delete(name)));
    }
  }

  /** Gets on, by one slice. */
  step(nowMs: number): void {
    if (this.#toLook.length === 0) this.#toLook = this.#workdir.names(this.#toList.pop() ?? "");
    for (const name of this.#toLook.splice(-SLICE)) {
      if (parseMachineName(name)) {
        this.#retries.attempt(this.#workdir.layout.podStatus(name), () => this.#look(name, nowMs));
      }
    }
  }

  #look(machine: string, nowMs: number): void {
    if (!this.#isOrphan(machine)) return;
    const sinceMs = this.#sinceMs.get(machine) ?? nowMs;
    this.#sinceMs.set(machine, sinceMs);
    if (nowMs - sinceMs >= this.#keptMs) this.#remove(machine);
  }

  #isOrphan(machine: string): boolean {
    const { layout } = this.#workdir;
    const isThere = (path: string) => this.#workdir.kind(path) !== undefined;
    const requestId = parseMachineName(machine)?.requestId ?? "";
    if (isThere(layout.request(requestId))) return false;
    const state = readState(this.#workdir, machine);
    const beingReturned = this.#isBeingReturned(machine);
    const facts = { hasPod: isThere(layout.pod(machine)), beingReturned, needsState: false };
    // The legacy plug-in writes this state before the request: one that was killed in between leaves nothing but that.
    return isOver({ ...facts, state: state === "creating" ? undefined : state });
  }

  #remove(machine: string): void {
    const { layout } = this.#workdir;
    for (const path of [layout.lostMachine(machine), layout.podStatus(machine), layout.machine(machine)]) {
      this.#workdir.remove(path);
    }
  }
}
