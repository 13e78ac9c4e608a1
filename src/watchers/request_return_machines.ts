import { describeError } from "../errors.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import { machineStatus, type StatusWord } from "../hf/status.ts";
import { KubeError } from "../kube/errors.ts";
import { logger } from "../log.ts";
import { Arrivals } from "../workdir/arrivals.ts";
import { type PodFacts, readPodFacts, readStatusWord } from "../workdir/machines.ts";
import { markReturnProcessed, readReturn } from "../workdir/returns.ts";
import { Deletions } from "./deletions.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { isOurs } from "./ownership.ts";
import type { Watching } from "./watching.ts";

/** What the work directory says of a machine that Symphony has given back. */
export interface ReturnedMachine {
  word: StatusWord | undefined;
  pod: PodFacts | undefined;
  /** Its entry in its request: absent where we never issued it. */
  entry: "pending" | "created" | undefined;
}

/**
 * What is to be done about a machine that Symphony has given back.
 *
 * - `gone`: nothing any more
 * - `wait`: its pod is not created, and the requests' watcher will see to it that it never is
 * - `delete`: its pod exists as far as we know
 * - `find`: it was created, but its pod has not been seen yet
 */
export function decideReturn({ word, pod, entry }: ReturnedMachine): "gone" | "wait" | "delete" | "find" {
  if (pod) return "delete";
  if (word === "deleted") return "gone";
  if (entry === "pending") return "wait";
  if (word !== undefined && machineStatus(word) === "terminated") return "gone";
  return entry === "created" || word !== undefined ? "find" : "gone";
}

const log = logger("request-return-machines");

/** Deletes the pods of machines that Symphony gives back, until each has been seen gone. */
export class RequestReturnMachinesWatcher implements Loop {
  readonly name = "request-return-machines";
  readonly #watching: Watching;
  readonly #arrivals: Arrivals;
  readonly #deletions: Deletions;
  /** For each return request the machines that are not gone yet, with the uid of the pod where it is known. */
  readonly #active = new Map<string, Map<string, string | undefined>>();

  /** @param wake has to make `step` run again soon */
  constructor(watching: Watching, wake: () => void) {
    this.#watching = watching;
    this.#arrivals = new Arrivals(watching.workdir, watching.workdir.layout.returnRequests);
    this.#deletions = new Deletions(watching, { name: this.name, wake });
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#watching;
    for (const id of this.#arrivals.next(clock.now())) this.#tryToTake(id);
    const toFind: string[] = [];
    for (const [id, machines] of this.#active) {
      for (const [machine, uid] of machines) {
        if (uid !== undefined && this.#deletions.isUnderWay(uid) && this.#exists(machine)) continue;
        const todo = this.#look(machine, machines);
        if (todo === "gone") machines.delete(machine);
        else if (todo === "find") toFind.push(machine);
      }
      this.#finish(id, machines);
    }
    for (const machine of toFind.slice(0, this.#watching.concurrency)) await this.#find(machine, signal);
    this.#deletions.start();
    return this.#next(toFind.length > 0);
  }

  /** Resolves once no delete is under way. */
  drained(): Promise<void> {
    return this.#deletions.drained();
  }

  #tryToTake(id: string): void {
    try {
      this.#take(id);
    } catch (error) {
      this.#arrivals.forget(id);
      log.warn("Return request cannot be taken up yet", { request: id, error: describeError(error) });
    }
  }

  #take(id: string): void {
    const { workdir } = this.#watching;
    const stored = isRequestId(id) ? readReturn(workdir, id) : undefined;
    if (!stored) return log.warn("Left alone: not a return request", { name: id });
    // One that counts as handled may have left pods behind: the existing plug-in marks it before they are gone.
    const machines = stored.processed ? stored.machines.filter((machine) => this.#exists(machine)) : stored.machines;
    if (stored.processed && machines.length === 0) return;
    this.#active.set(id, new Map(machines.map((machine) => [machine, undefined])));
    log.info("Return request taken up", { request: id, machines: machines.length });
  }

  /** True while the machine's pod has not been seen gone. */
  #exists(machine: string): boolean {
    const { workdir } = this.#watching;
    return workdir.kind(workdir.layout.pod(machine)) !== undefined;
  }

  #look(machine: string, machines: Map<string, string | undefined>): ReturnType<typeof decideReturn> {
    const { workdir } = this.#watching;
    const pod = readPodFacts(workdir, machine);
    const todo = decideReturn({ word: readStatusWord(workdir, machine), pod, entry: this.#entry(machine) });
    if (pod) {
      machines.set(machine, pod.uid);
      this.#deletions.want(machine, pod);
    }
    if (todo === "gone") this.#deletions.gone(machines.get(machine) ?? "");
    return todo;
  }

  #entry(machine: string): ReturnedMachine["entry"] {
    const { workdir } = this.#watching;
    const requestId = parseMachineName(machine)?.requestId;
    if (requestId === undefined) return undefined;
    const kind = workdir.kind(workdir.layout.requestMachine(requestId, machine));
    return kind === undefined ? undefined : kind === "symlink" ? "pending" : "created";
  }

  /** Deletes a pod that the watch has not shown yet. One that the server does not know was gone before we looked. */
  async #find(machine: string, signal: AbortSignal): Promise<void> {
    const { kube, instance } = this.#watching;
    try {
      const pod = await kube.getPod(machine, { signal });
      if (!isOurs(pod, { instance, hasRequest: () => true }) || pod.metadata.uid === undefined) return;
      this.#deletions.want(machine, { uid: pod.metadata.uid, deletionAt: undefined });
    } catch (error) {
      if (error instanceof KubeError && error.kind === "notFound") return;
      log.warn("Returned machine not found yet", { machine, error: describeError(error) });
    }
  }

  #finish(id: string, machines: Map<string, string | undefined>): void {
    if (machines.size > 0) return;
    markReturnProcessed(this.#watching.workdir, id);
    this.#active.delete(id);
    log.info("Return request handled", { request: id });
  }

  #next(finding: boolean): Outcome {
    const { clock } = this.#watching;
    const atMs = Math.min(this.#deletions.nextMs ?? Infinity, finding ? clock.monotonic() + FIND_AGAIN_MS : Infinity);
    return atMs > clock.monotonic() && Number.isFinite(atMs) ? { kind: "again", atMs } : { kind: "done" };
  }
}

/** How often, in milliseconds, a pod that the watch has not shown yet is asked for. */
const FIND_AGAIN_MS = 1_000;
