import { describeError } from "../errors.ts";
import { isMisplaced } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import type { KubeError } from "../kube/errors.ts";
import type { ReflectorSink } from "../kube/reflector.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { type PodFacts, readMachineRecord, readPodFacts, readStatusWord } from "../workdir/machines.ts";
import { Adopter } from "./adopter.ts";
import { Evictions } from "./evictions.ts";
import { KeptFiles } from "./kept_files.ts";
import { LostMachines } from "./lost_machines.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { isOurs } from "./ownership.ts";
import { Setbacks } from "./setbacks.ts";
import { type Sighting, stateOfSighting, writeSightings } from "./sightings.ts";
import { UnseenMachines } from "./unseen_machines.ts";
import { hasEnded, phaseOf } from "./up.ts";
import { ViewKeeper } from "./view_keeper.ts";
import { WaitLog } from "./wait_log.ts";
import type { Watching } from "./watching.ts";

/** Machines written down in one go before others get their turn: some 30 ms of work. */
const SLICE = 100;

/**
 * How long, in milliseconds, what changes no answer may wait to be written down: a pod passes through half a dozen states
 * on its way up, and most of the work that files make is saved where only the last of them is written.
 */
const CALM_MS = 2_000;

/** How often, in milliseconds, the view's freshness is written down. */
const HEARD_EVERY_MS = 1_000;

const log = logger("pods");

/** As much of a pod as tells whether another look at it says anything new. */
interface WrittenPod {
  uid: string | undefined;
  resourceVersion: string | undefined;
  /** As the machine's word has it: see `phaseOf`. */
  phase: string;
  podIP: string | undefined;
  /** It is being deleted. */
  isGoing: boolean;
}

function writtenPod(pod: Pod): WrittenPod {
  const { uid, resourceVersion, deletionTimestamp } = pod.metadata;
  const isGoing = deletionTimestamp !== undefined;
  return { uid, resourceVersion, phase: phaseOf(pod), podIP: pod.status?.podIP, isGoing };
}

/** Follows the pods of our machines and writes down what it sees. Fed by a reflector, which never waits for the files. */
export class PodsWatcher implements Loop, ReflectorSink<Pod> {
  readonly name = "pods";
  readonly #watching: Watching;
  readonly #wake: () => void;
  readonly #changed: () => void;
  /** The latest of each machine that is not written down yet. */
  readonly #sightings = new Map<string, Sighting>();
  /** The same, of what can wait; and until when, on the monotonic clock. */
  readonly #calm = new Map<string, { sighting: Sighting; dueMs: number }>();
  /** What is written down of each pod. */
  readonly #written = new Map<string, WrittenPod>();
  readonly #keptFiles: KeptFiles;
  /** What the LIST under way has named. */
  #listed = new Set<string>();
  /** Machines that count as created and that the LIST did not name. */
  readonly #unseen: UnseenMachines;
  readonly #adopter: Adopter;
  readonly #lost: LostMachines;
  readonly #setbacks: Setbacks;
  readonly #view: ViewKeeper;
  readonly #waits = new WaitLog();
  readonly #evictions: Evictions;
  /** What could not be written down because of what is in its own place, and when each is tried again. */
  readonly #obstructed = new Map<string, Sighting>();
  readonly #obstacles: Setbacks;

  /** @param options `wake` has to make `step` run again soon; `changed` is called when machines were written down */
  constructor(watching: Watching, options: { wake: () => void; changed: () => void }) {
    this.#watching = watching;
    this.#wake = options.wake;
    this.#changed = options.changed;
    this.#unseen = new UnseenMachines(watching);
    this.#view = new ViewKeeper(watching, "pods");
    this.#keptFiles = new KeptFiles(watching.workdir, this.#written);
    this.#evictions = new Evictions(watching);
    this.#adopter = new Adopter(watching);
    this.#lost = new LostMachines(watching);
    this.#setbacks = new Setbacks(watching, (_, error) => {
      log.warn("Machines that no list named cannot be asked for yet", { error: describeError(error) });
    });
    this.#obstacles = new Setbacks(watching, (machine, error) => {
      log.error("Machine set aside: it cannot be written down", { machine, error: describeError(error) });
    }, { by: this.name, pathOf: (machine) => watching.workdir.layout.pod(machine) });
  }

  /** How many pods are followed. */
  get size(): number {
    return this.#written.size;
  }

  /** True where all that was seen is written down, and the work directory accounts for every pod. */
  get isCaughtUp(): boolean {
    return this.#sightings.size + this.#calm.size + this.#unseen.size === 0 && this.#adopter.isDone;
  }

  /** False where the view that was written last, or the file of some pod that is followed, is not there any more. */
  get viewIsOurs(): boolean {
    return this.#watching.workdir.asOwner(() => this.#view.isThere && this.#keptFiles.areThere());
  }

  begin(): void {
    this.#listed = new Set();
    this.#view.begin();
  }

  page(pods: Pod[]): void {
    for (const pod of pods) {
      const name = this.#nameOfOurs(pod);
      if (name === undefined) continue;
      this.#listed.add(name);
      this.#adopter.saw(pod);
      // A list counts as complete once all of it is written, so that nothing of it waits.
      if (!this.#isWritten(name, pod)) this.#see(name, { pod }, { canWait: false });
    }
    this.#wake();
  }

  complete(): void {
    const { workdir } = this.#watching;
    const gone = new Set([...this.#sightings.keys(), ...this.#calm.keys()]);
    for (const name of workdir.names(workdir.layout.pods)) if (parseMachineName(name)) gone.add(name);
    const words = workdir.names(workdir.layout.podsStatus).filter((name) => parseMachineName(name));
    const [unseen, over]: [string[], string[]] = [[], []];
    for (const name of words) {
      if (this.#listed.has(name) || gone.has(name)) continue;
      const word = readStatusWord(workdir, name);
      if (word === "creating" || word === undefined) unseen.push(name);
      else if (word !== "deleted" && (word !== "failed" || this.#hadPod(name))) gone.add(name);
      else over.push(name);
    }
    for (const name of gone) if (!this.#listed.has(name)) this.#seeGone(name);
    this.#unseen.begin(unseen);
    this.#lost.begin(over);
    this.#adopter.begin();
    this.#listed = new Set();
    this.#view.complete();
    this.#wake();
  }

  /** True where a failed machine failed with its pod, and not for want of one. */
  #hadPod(name: string): boolean {
    try {
      return readMachineRecord(this.#watching.workdir, name)?.uid !== undefined;
    } catch {
      return false; // What cannot be read now is read with the next list.
    }
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod): void {
    const name = this.#nameOfOurs(pod);
    if (name === undefined) return;
    if (type !== "DELETED" && this.#isOlder(name, pod)) return;
    this.#adopter.saw(pod);
    this.#see(name, type === "DELETED" ? { gone: pod } : { pod }, {
      canWait: type !== "DELETED" && this.#canWait(name, pod),
    });
    this.#wake();
  }

  /** True where a LIST that broke off had said more of this very pod: the watch goes on from before that. */
  #isOlder(name: string, { metadata: { uid, resourceVersion } }: Pod): boolean {
    const unwritten = this.#sightings.get(name) ?? this.#calm.get(name)?.sighting ?? this.#obstructed.get(name);
    const known = !unwritten ? this.#written.get(name) : "pod" in unwritten ? unwritten.pod.metadata : undefined;
    // Where versions are no numbers, nothing is older (source: Kubernetes documentation, "Resource versions").
    return known?.uid === uid && Number(resourceVersion) < Number(known?.resourceVersion);
  }

  heard(): void {
    this.#view.heard();
  }

  failed(error: KubeError, retryMs: number): void {
    this.#view.failed();
    log.warn("The cluster cannot be followed now", { error: describeError(error), retryMs: Math.round(retryMs) });
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns } = this.#watching;
    returns.refresh(clock.now());
    this.#endCalm();
    this.#retryObstructed();
    this.#writeDown(this.#nextSlice());
    this.#evictions.write();
    if (this.#sightings.size === 0) this.#adopter.step();
    if (this.#sightings.size === 0) this.#unseen.lookThrough();
    if (this.#sightings.size === 0) await this.#askForUnseen(signal);
    if (this.#sightings.size > 0 || !this.#adopter.isDone) return { kind: "again", atMs: clock.monotonic() };
    if (this.#unseen.size > 0) {
      return { kind: "again", atMs: this.#setbacks.waits("unseen") ? this.#setbacks.nextMs : clock.monotonic() };
    }
    this.#lost.write();
    this.#view.write();
    return { kind: "again", atMs: clock.monotonic() + (this.#unseen.isLookedThrough ? HEARD_EVERY_MS : 0) };
  }

  #see(name: string, sighting: Sighting, { canWait }: { canWait: boolean }): void {
    const pod = "pod" in sighting ? sighting.pod : sighting.gone;
    if (pod) this.#evictions.note(pod);
    delete pod?.metadata.managedFields; // A third of a pod's size, and nobody reads it.
    this.#obstructed.delete(name);
    if (canWait && !this.#sightings.has(name)) {
      const dueMs = this.#calm.get(name)?.dueMs ?? this.#watching.clock.monotonic() + CALM_MS;
      this.#calm.set(name, { sighting, dueMs });
    } else {
      this.#calm.delete(name);
      this.#sightings.set(name, sighting);
    }
  }

  /** True where no answer to Symphony depends on the difference between this pod and what is written of it. */
  #canWait(name: string, pod: Pod): boolean {
    const before = this.#written.get(name);
    const { phase, podIP, isGoing } = writtenPod(pod);
    if (isGoing && !before?.isGoing && !this.#watching.returns.has(name)) return false;
    if (phase === "Pending") return before === undefined || before.phase === "Pending";
    return before?.phase === phase && before.podIP === podIP;
  }

  #endCalm(): void {
    const now = this.#watching.clock.monotonic();
    for (const [name, { sighting, dueMs }] of this.#calm) {
      if (dueMs > now) break; // They are in the order of their times.
      this.#calm.delete(name);
      this.#sightings.set(name, sighting);
    }
  }

  #retryObstructed(): void {
    for (const [name, sighting] of this.#obstructed) {
      if (this.#obstacles.waits(name)) continue;
      this.#obstructed.delete(name);
      this.#sightings.set(name, sighting);
    }
  }

  /** What is not there any more was seen last as it is noted here, else as it is written down. */
  #seeGone(name: string): void {
    const last = this.#sightings.get(name) ?? this.#calm.get(name)?.sighting ?? this.#obstructed.get(name);
    if (last && "gone" in last) return;
    this.#calm.delete(name);
    this.#obstructed.delete(name);
    this.#sightings.set(name, { gone: last?.pod });
  }

  /** True where the work directory says all that this pod can tell: nothing of it needs to be kept in memory. */
  #isWritten(name: string, pod: Pod): boolean {
    const { resourceVersion } = pod.metadata;
    if (this.#sightings.has(name) || this.#calm.has(name) || resourceVersion === undefined) return false;
    const { workdir } = this.#watching;
    try {
      const before = readStatusWord(workdir, name);
      if (this.#written.has(name)) {
        const isNoted = (before !== "failed" && before !== "succeeded") ||
          workdir.kind(workdir.layout.machine(name)) === "file";
        return before !== undefined && isNoted &&
          this.#written.get(name)?.resourceVersion === resourceVersion &&
          workdir.kind(workdir.layout.pod(name)) === "file";
      }
      const facts = readPodFacts(workdir, name);
      if (facts?.resourceVersion !== resourceVersion || this.#lacksEnd(pod, facts)) return false;
      const { word, record } = stateOfSighting(this.#watching, name, { pod });
      if (record || before !== word) return false;
    } catch {
      return false; // What cannot be read is written anew, and if that cannot be done either, it is said why.
    }
    this.#written.set(name, writtenPod(pod));
    return true;
  }

  /** True where its file does not say since when the pod has ended, though that can be known. */
  #lacksEnd(pod: Pod, { endedAt = Infinity }: PodFacts): boolean {
    const now = this.#watching.kube.now();
    return hasEnded(pod) && now !== undefined && endedAt * 1000 > now;
  }

  #nextSlice(): [string, Sighting][] {
    const slice: [string, Sighting][] = [];
    for (const entry of this.#sightings) {
      if (slice.push(entry) === SLICE) break;
    }
    return slice;
  }

  /**
   * What cannot be written because of what is in its own place is set aside for a while.
   * @throws the first error that is not one machine's own, once the others are written down: nothing of it is forgotten
   */
  #writeDown(slice: [string, Sighting][]): void {
    if (slice.length === 0) return;
    const failed = this.#watching.workdir.asOwner(() => writeSightings(this.#watching, slice));
    const trouble: unknown[] = [];
    for (const [name, sighting] of slice) {
      if (this.#sightings.get(name) === sighting) this.#sightings.delete(name);
      if (!failed.has(name)) {
        this.#obstacles.clear(name);
        this.#waits.note(name, "pod" in sighting ? sighting.pod : undefined);
        if ("pod" in sighting) this.#written.set(name, writtenPod(sighting.pod));
        else {
          this.#written.delete(name);
          this.#lost.gone(name);
        }
        continue;
      }
      const error = failed.get(name);
      this.#written.delete(name);
      if (isMisplaced(error)) {
        this.#obstacles.note(name, error);
        this.#obstructed.set(name, sighting);
      } else if (trouble.push(error) && !this.#sightings.has(name)) this.#sightings.set(name, sighting);
    }
    if (failed.size < slice.length) this.#changed();
    if (trouble.length > 0) throw trouble[0];
  }

  /** Where the cluster cannot be asked, what the watch says is written down all the same, and the view waits. */
  async #askForUnseen(signal: AbortSignal): Promise<void> {
    if (this.#setbacks.waits("unseen")) return;
    try {
      // Where something was seen in the meantime, the watch goes on to tell.
      for (const name of await this.#unseen.gone(signal)) {
        if (!this.#sightings.has(name) && !this.#calm.has(name)) this.#seeGone(name);
      }
      this.#setbacks.clear("unseen");
    } catch (error) {
      this.#setbacks.note("unseen", error);
    }
  }

  #nameOfOurs(pod: Pod): string | undefined {
    const { workdir } = this.#watching;
    const hasRequest = (id: string) => workdir.kind(workdir.layout.request(id)) === "directory";
    return isOurs(pod, { instances: this.#watching, hasRequest }) ? pod.metadata.name : undefined;
  }
}
