import { inParallel } from "../../workdir/store/in_parallel.ts";
import { isTakenAway, settleMachine, syncRequest } from "../../workdir/requests.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Retries } from "../work/retries.ts";

/** Within so many milliseconds it lasts that a pod was created: one sync for all of a request. */
const LASTS_WITHIN_MS = 2_000;

/**
 * Notes in requests which of their machines have had their pods created, and makes that survive a power failure, however
 * long others wait for theirs: a machine whose pod has come and gone must not get a second one.
 */
export class Settlement {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock">;
  readonly #retries: Pick<Retries, "note" | "clear">;
  readonly #wake: () => void;
  /** By request, when what is noted in it is to be made to last, on the monotonic clock. */
  readonly #dueMs = new Map<string, number>();

  /** @param options `retries`: of requests; `wake` has to make `step` run again soon */
  constructor(
    dependencies: Pick<Dependencies, "workdir" | "clock">,
    options: { retries: Pick<Retries, "note" | "clear">; wake: () => void },
  ) {
    this.#dependencies = dependencies;
    this.#retries = options.retries;
    this.#wake = options.wake;
  }

  settle(requestId: string, machine: string): void {
    settleMachine(this.#dependencies.workdir, requestId, machine);
    this.takeUp(requestId);
  }

  /** Of a request that an earlier process has handled in part, what that process noted may not last yet. */
  takeUp(requestId: string): void {
    if (this.#dueMs.has(requestId)) return;
    this.#dueMs.set(requestId, this.#dependencies.clock.monotonic() + LASTS_WITHIN_MS);
    this.#wake();
  }

  /** Makes last what is due. */
  async step(): Promise<void> {
    const now = this.#dependencies.clock.monotonic();
    const due = [...this.#dueMs].flatMap(([id, dueMs]) => dueMs <= now ? [id] : []);
    await inParallel(due, (id) => this.#makeLast(id));
  }

  /** When something is due, on the monotonic clock; infinity if nothing is. */
  get nextMs(): number {
    return Math.min(Infinity, ...this.#dueMs.values());
  }

  /** All of a request lasts. */
  forget(requestId: string): void {
    this.#dueMs.delete(requestId);
  }

  async #makeLast(id: string): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    this.#dueMs.delete(id);
    try {
      await syncRequest(workdir, id);
      this.#retries.clear(id);
    } catch (error) {
      if (isTakenAway(workdir, id)) return;
      this.#retries.note(id, error);
      this.#dueMs.set(id, clock.monotonic() + LASTS_WITHIN_MS);
    }
  }
}
