import { Budget } from "../../budget.ts";
import { describeError } from "../../errors.ts";
import { isMisplaced } from "../../files.ts";
import { parseMachineName } from "../../hf/names.ts";
import type { Pod } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { RETURNED } from "../../machine/tombstone.ts";
import type { RequestMemory } from "../../templates/podspec.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import { type RequestRecord, restoreRequest, settleMachine, syncRequest } from "../../workdir/requests.ts";
import { addReturn, readReturn } from "../../workdir/returns.ts";
import { endLost, endRejected } from "../../machine/ending.ts";
import { changeOfEnding } from "../work/endings.ts";
import { findLostRequest, indexesByRequest } from "./lost_request.ts";
import { readPodFile } from "../../workdir/pod_file.ts";
import { rememberedReturn } from "./remembered_return.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, the pods that are known are compared with the requests, beside after every LIST. */
const LOOK_EVERY_MS = 60_000;

/** Requests compared, and machines written down, in one go before others get their turn. */
const SLICE = 100;

/** Why a machine failed that was lost with the work directory. */
export const LOST = "It had no pod when its request, lost with the work directory, was rebuilt from the cluster: " +
  "its pod was never created, or was gone by then";

const log = logger("adoption");

/** A request that is being put back. */
interface Rebuilding {
  id: string;
  memory: RequestMemory | undefined;
  machines: string[];
  lost: string[];
  /** How many of these have been written down. */
  written: number;
}

/** What stands in the request's record; `undefined` if its pods do not remember all of it, or there are more than they remember. */
function recordOf({ memory, machines }: Rebuilding): Omit<RequestRecord, "version"> | undefined {
  const { templateId, count, requestedAt, up } = memory ?? {};
  if (templateId === undefined || count === undefined || requestedAt === undefined) return undefined;
  if (machines.some((machine) => (parseMachineName(machine)?.index ?? 0) >= count)) return undefined;
  return { templateId, count, requestedAt, up };
}

/**
 * Makes the work directory account for every pod that it knows: what it lacks of requests and return requests is put back
 * as the pods remember it. Told of nothing but what exists, it finds by itself what is missing.
 */
export class Adopter {
  readonly #dependencies: Pick<Dependencies, "workdir" | "clock" | "returns" | "identity">;
  readonly #isUnwritten: (machine: string) => boolean;
  readonly #lost: (machines: string[]) => void;
  /** A round is to begin now, not when its time has come. */
  #isDue = false;
  #nextRoundMs = Infinity;
  /** Requests that this round has still to compare, with the indexes of their machines that have pods. */
  #toCompare: [id: string, indexes: number[]][] = [];
  #rebuilding: Rebuilding | undefined;
  /** Machines that their pods say were given back, by return request, since the last round. */
  readonly #returned = new Map<string, { requestedAt: number; machines: Set<string> }>();

  /**
   * @param options `isUnwritten`: true while a pod of the machine was seen that is not written down yet; `lost` is told of
   * machines of requests that were put back and that have no pod as far as is known
   */
  constructor(
    dependencies: Pick<Dependencies, "workdir" | "clock" | "returns" | "identity">,
    options: { isUnwritten: (machine: string) => boolean; lost: (machines: string[]) => void },
  ) {
    this.#dependencies = dependencies;
    this.#isUnwritten = options.isUnwritten;
    this.#lost = options.lost;
  }

  /** Notes what a pod of ours remembers of a return. */
  saw(pod: Pod): void {
    const memory = rememberedReturn(pod, this.#dependencies);
    if (!memory) return;
    const { id, requestedAt = 0 } = memory;
    const returned = this.#returned.get(id) ?? { requestedAt, machines: new Set() };
    this.#returned.set(id, returned);
    returned.machines.add(pod.metadata.name ?? "");
  }

  /** Everything is to be compared, once the work directory knows every pod that exists. */
  begin(): void {
    this.#isDue = true;
  }

  /** True if nothing is left to do before the next round. */
  get isDone(): boolean {
    return !this.#isDue && this.#toCompare.length === 0 && !this.#rebuilding;
  }

  /**
   * Gets on, by one slice. To be called only while the work directory knows every pod that exists.
   * @throws what stands in the way of more than one request; the next call goes on from there
   */
  async step(): Promise<void> {
    const { clock } = this.#dependencies;
    if (this.isDone && clock.monotonic() >= this.#nextRoundMs) this.#isDue = true;
    if (this.#isDue) await this.#beginRound();
    if (this.#rebuilding) return await this.#getOnRebuilding(this.#rebuilding);
    for (let looked = 0; looked < SLICE && !this.#rebuilding; looked++) {
      const [next] = this.#toCompare;
      if (!next) return;
      await this.#unlessBroken(next[0], () => this.#compare(...next));
      this.#toCompare.shift();
    }
  }

  async #beginRound(): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    for (const [id, returned] of this.#returned) {
      await this.#unlessBroken(id, () => this.#restoreReturn(id, returned));
      this.#returned.delete(id);
    }
    this.#toCompare = [...indexesByRequest(workdir.names(workdir.layout.pods))];
    this.#rebuilding = undefined;
    this.#nextRoundMs = clock.monotonic() + LOOK_EVERY_MS;
    this.#isDue = false;
  }

  /**
   * What is in the way of one request alone is noted as broken, holds up no other, and is tried again by the next round.
   * @returns false if it is
   */
  async #unlessBroken(id: string, act: () => Promise<void>): Promise<boolean> {
    const { broken, layout } = this.#dependencies.workdir;
    try {
      await act();
      broken.clear(layout.request(id), "adoption");
      return true;
    } catch (error) {
      const isItsOwn = (error: unknown) => isMisplaced(error) || error instanceof Deno.errors.PermissionDenied;
      if (!isItsOwn(error) && !isItsOwn((error as Error).cause)) throw error;
      broken.note(layout.request(id), describeError(error), "adoption");
      return false;
    }
  }

  async #compare(id: string, indexes: number[]): Promise<void> {
    const { workdir } = this.#dependencies;
    const podOf = (machine: string) => readPodFile(workdir, machine);
    const missing = findLostRequest(workdir, { id, indexes, podOf });
    if (missing?.kind === "rebuild") this.#rebuilding = { id, ...missing, written: 0 };
    else if (missing) await this.#complete(id, missing);
  }

  /** First why the machines without pods failed, then the request, whole: nothing is answered from a part of it. */
  async #getOnRebuilding(rebuilding: Rebuilding): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    const { id, machines, lost } = rebuilding;
    const isWell = await this.#unlessBroken(id, async () => {
      const slice = lost.slice(rebuilding.written, rebuilding.written + SLICE);
      await this.#commit(slice, (machine) => this.#endOfLost(machine));
      rebuilding.written += slice.length;
      if (rebuilding.written < lost.length) return;
      const request = { id, record: recordOf(rebuilding), machines: [...machines, ...lost] };
      await restoreRequest(workdir, request, { budget: new Budget(clock) });
      this.#lost(lost);
      log.warn("Request rebuilt from its pods", { request: id, pods: machines.length, lost: lost.length });
    });
    if (rebuilding.written === lost.length || !isWell) this.#rebuilding = undefined;
  }

  /** @throws the first of what went wrong */
  async #commit(machines: string[], decide: (machine: string) => Change | undefined): Promise<void> {
    const failed = await commit(this.#dependencies, machines.map((machine) => [machine, () => decide(machine)]));
    for (const error of failed.values()) throw error;
  }

  /**
   * What is noted of a machine without a pod; `undefined` if more is known of it than that it was lost. Whether it is gone, the
   * cluster has yet to be asked.
   */
  #endOfLost(machine: string): Change | undefined {
    const { workdir, returns } = this.#dependencies;
    const state = readState(workdir, machine);
    if ((state !== undefined && state !== "creating") || workdir.kind(workdir.layout.pod(machine))) return undefined;
    if (this.#isUnwritten(machine)) return undefined;
    const tombstone = readTombstone(workdir, machine);
    // Of one that was given back, the pod may be there, and not count as ours: before it is gone, it is asked for by its name.
    if (returns.has(machine)) return tombstone ? undefined : { tombstone: RETURNED, lasts: false };
    if (tombstone) return changeOfEnding({ machine, state: tombstone.givenUp ? "failed" : "deleted", tombstone });
    return { tombstone: endLost(machine, LOST).tombstone, lasts: true };
  }

  async #complete(id: string, { enter, strays }: { enter: string[]; strays: string[] }): Promise<void> {
    const { workdir } = this.#dependencies;
    for (const machine of enter) settleMachine(workdir, id, machine);
    if (enter.length > 0) {
      await syncRequest(workdir, id);
      log.warn("Lost entries of a request put back", { request: id, machines: enter.length });
    }
    const fresh = strays.filter((machine) => !readTombstone(workdir, machine)?.givenUp);
    if (fresh.length === 0) return;
    await this.#commit(fresh, (machine) => {
      if (readTombstone(workdir, machine)?.givenUp) return undefined;
      return { ...changeOfEnding(endRejected(machine, `Request '${id}' has no such machine`)), state: "deleted" };
    });
    log.warn("Pods that no machine of their request can have are to be deleted", { request: id, pods: fresh.length });
  }

  async #restoreReturn(
    id: string,
    { requestedAt, machines }: { requestedAt: number; machines: Set<string> },
  ): Promise<void> {
    const { workdir, clock } = this.#dependencies;
    const { layout } = workdir;
    const path = layout.returnRequest(id);
    if (readReturn(workdir, id) || workdir.kind(layout.request(id))) return;
    // Once all its pods have gone it may have been removed as long past: nothing of it is left to do.
    if ([...machines].every((machine) => workdir.kind(layout.pod(machine)) === undefined)) return;
    if (workdir.kind(path) === "directory") workdir.files.removeTree(path);
    const request = { id, machines: [...machines], unknown: [], requestedAt };
    await addReturn(workdir, request, { budget: new Budget(clock) });
    log.warn("Return request rebuilt from its pods", { request: id, machines: machines.size });
  }
}
