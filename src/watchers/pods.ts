import { epochSeconds } from "../clock.ts";
import { describeError } from "../errors.ts";
import { parseMachineName } from "../hf/names.ts";
import { machineStatus } from "../hf/status.ts";
import { KubeError } from "../kube/errors.ts";
import type { ReflectorSink } from "../kube/reflector.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { readMachineRecord, readPodFacts, readStatusWord, writeMachineRecord } from "../workdir/machines.ts";
import { syncRequest } from "../workdir/requests.ts";
import { type View, writeView } from "../workdir/views.ts";
import { type MachineState, stateOfGone, stateOfPod } from "./machine_state.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { isOurs } from "./ownership.ts";
import { podFileText, readPodFile } from "./pod_file.ts";
import type { Watching } from "./watching.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state where it was given). */
type Sighting = { pod: Pod } | { gone: Pod | undefined };

/** Machines written down in one go before others get their turn. */
const SLICE = 200;

/** How often, in milliseconds, the view's freshness is written down. */
const HEARD_EVERY_MS = 1_000;

const log = logger("pods");

/** Follows the pods of our machines and writes down what it sees. Fed by a reflector, which never waits for the files. */
export class PodsWatcher implements Loop, ReflectorSink {
  readonly name = "pods";
  readonly #watching: Watching;
  readonly #wake: () => void;
  readonly #changed: () => void;
  /** The latest of each machine that is not written down yet. */
  readonly #sightings = new Map<string, Sighting>();
  /** The resource version of each pod that is written down. */
  readonly #written = new Map<string, string | undefined>();
  /** What the LIST under way has named. */
  #listed = new Set<string>();
  /** Machines that count as created and that the LIST did not name: to be asked for one by one. */
  #unseen: string[] = [];
  /** On the wall clock, in milliseconds: when a LIST was last finished, and when the server last spoke. */
  #listedAtMs: number | undefined;
  #heardAtMs: number | undefined;
  #viewWritten: View | undefined;

  /** @param options `wake` has to make `step` run again soon; `changed` is called when machines were written down */
  constructor(watching: Watching, options: { wake: () => void; changed: () => void }) {
    this.#watching = watching;
    this.#wake = options.wake;
    this.#changed = options.changed;
  }

  begin(): void {
    this.#listed = new Set();
  }

  page(pods: Pod[]): void {
    for (const pod of pods) {
      const name = this.#nameOfOurs(pod);
      if (name === undefined) continue;
      this.#listed.add(name);
      if (!this.#isWritten(name, pod)) this.#see(name, { pod });
    }
    this.#wake();
  }

  complete(): void {
    const { workdir, clock } = this.#watching;
    const gone = new Set([...this.#sightings.keys(), ...workdir.names(workdir.layout.pods)]);
    for (const name of workdir.names(workdir.layout.podsStatus)) {
      if (this.#listed.has(name) || gone.has(name)) continue;
      const word = readStatusWord(workdir, name);
      if (word === "creating") this.#unseen.push(name);
      else if (word === "pending" || word === "running" || word === "unknown") gone.add(name);
    }
    for (const name of gone) if (!this.#listed.has(name)) this.#sightings.set(name, { gone: undefined });
    this.#listed = new Set();
    this.#listedAtMs = clock.now();
    this.#wake();
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod): void {
    const name = this.#nameOfOurs(pod);
    if (name === undefined) return;
    this.#see(name, type === "DELETED" ? { gone: pod } : { pod });
    this.#wake();
  }

  heard(): void {
    this.#heardAtMs = this.#watching.clock.now();
  }

  failed(error: KubeError, retryMs: number): void {
    log.warn("The cluster cannot be followed now", { error: describeError(error), retryMs: Math.round(retryMs) });
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#watching;
    returns.refresh(clock.now());
    const slice = this.#nextSlice();
    this.#writeDown(slice);
    if (slice.length > 0) this.#changed();
    if (this.#sightings.size === 0) await this.#askForUnseen(signal);
    if (this.#sightings.size > 0) return { kind: "again", atMs: clock.monotonic() };
    this.#writeView();
    return { kind: "again", atMs: clock.monotonic() + HEARD_EVERY_MS };
  }

  #see(name: string, sighting: Sighting): void {
    const pod = "pod" in sighting ? sighting.pod : sighting.gone;
    delete pod?.metadata.managedFields; // A third of a pod's size, and nobody reads it.
    this.#sightings.set(name, sighting);
  }

  /** True where the work directory says all that this pod can tell: nothing of it needs to be kept in memory. */
  #isWritten(name: string, pod: Pod): boolean {
    const { resourceVersion } = pod.metadata;
    if (this.#sightings.has(name) || resourceVersion === undefined) return false;
    if (this.#written.has(name)) return this.#written.get(name) === resourceVersion;
    if (readPodFacts(this.#watching.workdir, name)?.resourceVersion !== resourceVersion) return false;
    const { word, record } = this.#stateOf(name, { pod });
    if (record || readStatusWord(this.#watching.workdir, name) !== word) return false;
    this.#written.set(name, resourceVersion);
    return true;
  }

  #nextSlice(): [string, Sighting][] {
    const slice: [string, Sighting][] = [];
    for (const entry of this.#sightings) {
      if (slice.push(entry) === SLICE) break;
    }
    return slice;
  }

  #writeDown(slice: [string, Sighting][]): void {
    const ended = new Set<string>();
    const states = slice.map(([name, sighting]) => {
      const state = this.#stateOf(name, sighting);
      if (machineStatus(state.word) === "terminated") ended.add(parseMachineName(name)?.requestId ?? "");
      return state;
    });
    // What Symphony may be told of a machine's end must not be undone by a power failure that forgets its creation.
    for (const requestId of ended) this.#syncRequest(requestId);
    for (const [i, [name, sighting]] of slice.entries()) {
      const state = states[i];
      if (state) this.#write(name, sighting, state);
      if (this.#sightings.get(name) === sighting) this.#sightings.delete(name);
    }
  }

  #stateOf(name: string, sighting: Sighting): MachineState {
    const { workdir, returns } = this.#watching;
    const known = {
      word: readStatusWord(workdir, name),
      record: readMachineRecord(workdir, name),
      returned: returns.has(name),
    };
    if ("pod" in sighting) return stateOfPod(sighting.pod, known);
    return stateOfGone(sighting.gone ?? readPodFile(workdir, name), known);
  }

  /** A pod before its word, so that who reads the word finds the pod; the reason before the word that needs one. */
  #write(name: string, sighting: Sighting, { word, record }: MachineState): void {
    const { workdir } = this.#watching;
    const path = workdir.layout.pod(name);
    if ("pod" in sighting) {
      workdir.write(path, podFileText(sighting.pod));
      this.#written.set(name, sighting.pod.metadata.resourceVersion);
    }
    if (record) writeMachineRecord(workdir, name, record);
    const before = readStatusWord(workdir, name);
    if (before !== word) {
      workdir.link(word, workdir.layout.podStatus(name));
      log.debug("Machine changed", { machine: name, from: before, to: word, message: record?.message });
    }
    if ("gone" in sighting) {
      workdir.remove(path);
      this.#written.delete(name);
    }
  }

  #syncRequest(requestId: string): void {
    const { workdir } = this.#watching;
    if (requestId !== "" && workdir.kind(workdir.layout.request(requestId)) === "directory") {
      syncRequest(workdir, requestId);
    }
  }

  /**
   * Asks for machines that count as created but were in no LIST: a pod that was created before we ask and that the server
   * does not find is gone.
   */
  async #askForUnseen(signal: AbortSignal): Promise<void> {
    const { workdir, kube, concurrency } = this.#watching;
    while (this.#unseen.length > 0 && !signal.aborted) {
      const some = this.#unseen.slice(0, concurrency);
      const created = some.filter((name) => {
        const requestId = parseMachineName(name)?.requestId;
        return requestId !== undefined && readStatusWord(workdir, name) === "creating" &&
          workdir.kind(workdir.layout.requestMachine(requestId, name)) === "file";
      });
      const pods = await Promise.all(created.map((name) => this.#ask(name, () => kube.getPod(name, { signal }))));
      for (const [i, name] of created.entries()) {
        if (pods[i] === undefined && !this.#sightings.has(name)) this.#sightings.set(name, { gone: undefined });
      }
      this.#unseen = this.#unseen.slice(some.length);
    }
  }

  async #ask(name: string, get: () => Promise<Pod>): Promise<Pod | undefined> {
    try {
      return await get();
    } catch (error) {
      if (error instanceof KubeError && error.kind === "notFound") return undefined;
      log.debug("Cannot ask for a pod", { machine: name, error: describeError(error) });
      throw error;
    }
  }

  #writeView(): void {
    if (this.#listedAtMs === undefined || this.#heardAtMs === undefined) return;
    const view = { completeAt: epochSeconds(this.#listedAtMs), heardAt: epochSeconds(this.#heardAtMs) };
    if (view.heardAt === this.#viewWritten?.heardAt && view.completeAt === this.#viewWritten.completeAt) return;
    writeView(this.#watching.workdir, "pods", view);
    this.#viewWritten = view;
  }

  #nameOfOurs(pod: Pod): string | undefined {
    const { workdir, instance } = this.#watching;
    const hasRequest = (id: string) => workdir.kind(workdir.layout.request(id)) === "directory";
    return isOurs(pod, { instance, hasRequest }) ? pod.metadata.name : undefined;
  }
}
