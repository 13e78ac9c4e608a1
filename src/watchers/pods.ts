import { describeError } from "../errors.ts";
import { isMisplaced } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import type { KubeError } from "../kube/errors.ts";
import type { ReflectorSink } from "../kube/reflector.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { type PodFacts, readMachineRecord, readPodFacts, readStatusWord } from "../workdir/machines.ts";
import { Adopter } from "./adopter.ts";
import { Complaints } from "./complaints.ts";
import { Evictions } from "./evictions.ts";
import { KeptFiles } from "./kept_files.ts";
import { LostMachines } from "./lost_machines.ts";
import type { Loop, Outcome } from "./outcome.ts";
import { isOurs } from "./ownership.ts";
import { Setbacks } from "./setbacks.ts";
import { type Sighting, stateOfSighting, writeSightings } from "./sightings.ts";
import { type Answer, UnlistedMachines } from "./unlisted_machines.ts";
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

/** So many machines may be missing from a list at once, and this share of all, before another list has to say the same. */
const FEW = 10;
const SHARE = 1 / 5;

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
  nodeName: string | undefined;
}

function writtenPod(pod: Pod): WrittenPod {
  const { uid, resourceVersion, deletionTimestamp } = pod.metadata;
  const isGoing = deletionTimestamp !== undefined;
  return { uid, resourceVersion, phase: phaseOf(pod), podIP: pod.status?.podIP, isGoing, nodeName: pod.spec.nodeName };
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
  /** Machines that are known and that the LIST did not name. */
  readonly #unlisted: UnlistedMachines;
  /** Another LIST is to say the same as the one before, of which too much was missing. */
  #isSecondList = false;
  /** The cluster was put back to an earlier state: resource versions say nothing of what was written before. */
  #mustRewrite = false;
  readonly #adopter: Adopter;
  readonly #lost: LostMachines;
  readonly #setbacks: Setbacks;
  readonly #view: ViewKeeper;
  readonly #waits = new WaitLog();
  readonly #evictions: Evictions;
  /** What could not be written down because of what is in its own place, and when each is tried again. */
  readonly #obstructed = new Map<string, Sighting>();
  readonly #obstacles: Setbacks;
  readonly #complaints = new Complaints((_, error) => {
    log.warn("Pods are followed by asking for each: put their labels back", { error });
  });

  /** @param options `wake` has to make `step` run again soon; `changed` is called when machines were written down */
  constructor(watching: Watching, options: { wake: () => void; changed: () => void }) {
    this.#watching = watching;
    this.#wake = options.wake;
    this.#changed = options.changed;
    this.#unlisted = new UnlistedMachines(watching);
    this.#view = new ViewKeeper(watching, "pods");
    this.#keptFiles = new KeptFiles(watching.workdir, this.#written);
    this.#evictions = new Evictions(watching);
    const isUnwritten = (machine: string) => this.#sightings.has(machine) || this.#calm.has(machine);
    const lost = (machines: string[]) => this.#unlisted.expect(machines);
    this.#adopter = new Adopter(watching, { isUnwritten, lost });
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
    return this.#sightings.size + this.#calm.size + this.#unlisted.size === 0 && this.#adopter.isDone;
  }

  /** False where the view that was written last, or the file of some pod that is followed, is not there any more. */
  get viewIsOurs(): boolean {
    return this.#watching.workdir.asOwner(() => this.#view.isThere && this.#keptFiles.areThere());
  }

  begin({ wentBack = false }: { wentBack?: boolean } = {}): void {
    this.#listed = new Set();
    this.#view.begin();
    if (!wentBack || this.#mustRewrite) return;
    log.error("The cluster was put back to an earlier state: every pod is looked at again");
    this.#mustRewrite = true;
    this.#written.clear();
  }

  page(pods: Pod[]): void {
    for (const pod of pods) {
      const name = this.#nameOfOurs(pod);
      if (name === undefined) continue;
      this.#listed.add(name);
      this.#unlisted.saw(name);
      this.#adopter.saw(pod);
      // A list counts as complete once all of it is written, so that nothing of it waits.
      if (!this.#isWritten(name, pod)) this.#see(name, { pod }, { canWait: false });
    }
    this.#wake();
  }

  complete(): "doubted" | void {
    const { workdir } = this.#watching;
    const known = new Set([...this.#sightings.keys(), ...this.#calm.keys()]);
    for (const name of workdir.names(workdir.layout.pods)) if (parseMachineName(name)) known.add(name);
    const words = workdir.names(workdir.layout.podsStatus).filter((name) => parseMachineName(name));
    const [unseen, over]: [string[], string[]] = [[], []];
    for (const name of words) {
      if (this.#listed.has(name) || known.has(name)) continue;
      const word = readStatusWord(workdir, name);
      if (word === "creating" || word === undefined) unseen.push(name);
      else if (word !== "deleted" && (word !== "failed" || this.#hadPod(name))) known.add(name);
      else over.push(name);
    }
    const missing = [...known].filter((name) => !this.#listed.has(name) && !this.#isSeenGone(name));
    const surprising = missing.filter((name) => !this.#isToGo(name)).length;
    if (this.#isTooMuch(surprising) && !this.#isSecondList) {
      const all = surprising + this.#listed.size;
      const doubt = `${surprising} of ${all} machines were missing from the last list: it is being confirmed`;
      log.warn("The picture of the cluster is in doubt", { missing: surprising, of: all });
      this.#view.doubt(doubt);
      this.#isSecondList = true;
      return "doubted";
    }
    this.#isSecondList = this.#mustRewrite = false;
    // That a list does not name a machine is a suspicion: whether it is gone is asked of each.
    this.#unlisted.begin({ missing, unseen });
    this.#lost.begin(over);
    this.#adopter.begin();
    this.#listed = new Set();
    this.#view.complete();
    this.#wake();
  }

  /** True if the machine was seen gone, which is not written down yet. */
  #isSeenGone(name: string): boolean {
    const unwritten = this.#sightings.get(name);
    return unwritten !== undefined && "gone" in unwritten;
  }

  /** True if it is no surprise that the machine is gone. */
  #isToGo(name: string): boolean {
    return this.#watching.returns.has(name) || this.#written.get(name)?.isGoing === true;
  }

  /** True if so many machines are missing at once that the picture is more likely wrong than they are gone. */
  #isTooMuch(missing: number): boolean {
    return missing > FEW && missing > SHARE * (missing + this.#listed.size);
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
    if (type === "DELETED" && !this.#isEvidence(name, pod)) {
      this.#unlisted.suspect(name, pod);
      return this.#wake();
    }
    this.#unlisted.saw(name);
    this.#adopter.saw(pod);
    this.#see(name, type === "DELETED" ? { gone: pod } : { pod }, {
      canWait: type !== "DELETED" && this.#canWait(name, pod),
    });
    this.#wake();
  }

  /**
   * True for a DELETED event that tells that the machine's pod is gone. Without a deletion time it may only tell that the pod is
   * not selected any more, as its labels were changed.
   */
  #isEvidence(name: string, { metadata: { uid, deletionTimestamp } }: Pod): boolean {
    const known = this.#knownUid(name);
    return deletionTimestamp !== undefined && (known === undefined || known === uid);
  }

  /** The uid of the machine's pod as far as this process has seen it. */
  #knownUid(name: string): string | undefined {
    const unwritten = this.#sightings.get(name) ?? this.#calm.get(name)?.sighting ?? this.#obstructed.get(name);
    const pod = unwritten && ("pod" in unwritten ? unwritten.pod : unwritten.gone);
    return pod?.metadata.uid ?? this.#written.get(name)?.uid;
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
    await this.#writeDown(this.#nextSlice());
    this.#evictions.write((node) => this.#machinesOn(node));
    if (this.#sightings.size === 0) await this.#adopter.step();
    if (this.#sightings.size === 0) await this.#unlisted.lookThrough();
    if (this.#sightings.size === 0) await this.#askForUnlisted(signal);
    if (this.#sightings.size + this.#unlisted.size === 0 && this.#adopter.isDone) await this.#lost.write();
    if (this.#sightings.size > 0 || !this.#adopter.isDone) return { kind: "again", atMs: clock.monotonic() };
    if (this.#unlisted.size > 0) {
      return { kind: "again", atMs: this.#setbacks.waits("unlisted") ? this.#setbacks.nextMs : clock.monotonic() };
    }
    if (!this.#isSecondList) this.#view.write();
    const restMs = this.#unlisted.isLookedThrough ? HEARD_EVERY_MS : 0;
    return { kind: "again", atMs: Math.min(clock.monotonic() + restMs, this.#unlisted.nextMs) };
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
  #seeGone(name: string, suspected: Pod | undefined): void {
    const last = this.#sightings.get(name) ?? this.#calm.get(name)?.sighting ?? this.#obstructed.get(name);
    if (last && "gone" in last) return;
    const isOwn = suspected !== undefined && suspected.metadata.uid === this.#uidOf(name);
    this.#see(name, { gone: isOwn ? suspected : last?.pod }, { canWait: false });
  }

  /** True where the work directory says all that this pod can tell: nothing of it needs to be kept in memory. */
  #isWritten(name: string, pod: Pod): boolean {
    const { resourceVersion } = pod.metadata;
    if (this.#sightings.has(name) || this.#calm.has(name) || resourceVersion === undefined) return false;
    if (this.#mustRewrite) return false;
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

  #machinesOn(node: string): string[] {
    return [...this.#written].flatMap(([name, { nodeName }]) => nodeName === node ? [name] : []);
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
  async #writeDown(slice: [string, Sighting][]): Promise<void> {
    if (slice.length === 0) return;
    const failed = await writeSightings(this.#watching, slice);
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
        if (!this.#sightings.has(name)) this.#obstructed.set(name, sighting);
      } else if (trouble.push(error) && !this.#sightings.has(name)) this.#sightings.set(name, sighting);
    }
    if (failed.size < slice.length) this.#changed();
    if (trouble.length > 0) throw trouble[0];
  }

  /** While the cluster cannot be asked, what the watch says is written down all the same, and the view waits. */
  async #askForUnlisted(signal: AbortSignal): Promise<void> {
    if (this.#setbacks.waits("unlisted")) return;
    try {
      for (const answer of await this.#unlisted.ask(signal)) this.#heed(answer);
      this.#setbacks.clear("unlisted");
    } catch (error) {
      this.#setbacks.note("unlisted", error);
    }
  }

  /** A pod is the machine's own by its uid, whatever its labels say; and if it is another, ours or not, the machine's is gone. */
  #heed({ machine, pod, last }: Answer): void {
    const isOwn = pod !== undefined && pod.metadata.uid === this.#uidOf(machine);
    const hasLabels = pod !== undefined && this.#hasOurLabels(pod);
    if (!pod || (!isOwn && !hasLabels)) return this.#seeGone(machine, last);
    this.#unlisted.hide(machine);
    if (!hasLabels) this.#complaints.note("", new Error("somebody has changed labels by which we know our pods"));
    if (!this.#isWritten(machine, pod)) this.#see(machine, { pod }, { canWait: false });
  }

  /** The uid of the machine's pod as it was seen last. */
  #uidOf(machine: string): string | undefined {
    try {
      return this.#knownUid(machine) ?? readPodFacts(this.#watching.workdir, machine)?.uid;
    } catch {
      return undefined; // What cannot be read says nothing.
    }
  }

  /** The machine whose pod it is; nothing if it is none of ours. One that was ours before stays so, whatever its labels say. */
  #nameOfOurs(pod: Pod): string | undefined {
    const { name, uid } = pod.metadata;
    if (this.#hasOurLabels(pod)) return name;
    return name !== undefined && uid !== undefined && this.#knownUid(name) === uid ? name : undefined;
  }

  #hasOurLabels(pod: Pod): boolean {
    const { workdir } = this.#watching;
    const hasRequest = (id: string) => workdir.kind(workdir.layout.request(id)) === "directory";
    return isOurs(pod, { owner: this.#watching, hasRequest });
  }
}
