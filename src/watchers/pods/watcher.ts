import type { KubeError } from "../../kube/errors.ts";
import type { ReflectorSink } from "../../kube/reflector.ts";
import { isOlder } from "../../kube/resource_version.ts";
import type { Pod } from "../../kube/types.ts";
import { GatheringLog, logger } from "../../log.ts";
import { readPodFacts } from "../../workdir/pod_file.ts";
import { Adopter } from "../recovery/adopter.ts";
import { Complaints } from "../work/complaints.ts";
import { Evictions } from "./evictions.ts";
import { ForeignPods } from "./foreign_pods.ts";
import { ListConfirmation, RESTORED } from "./list_confirmation.ts";
import { Listing } from "./listing.ts";
import { GoneMachines } from "./gone_machines.ts";
import type { Backlog, Loop, Outcome } from "../loop.ts";
import { isAsOrdered, isOurs } from "../work/ownership.ts";
import { Retries } from "../work/retries.ts";
import { type Observation, podOf } from "../../machine/state.ts";
import { writeObservations } from "./observations.ts";
import { UnwrittenObservations } from "./unwritten_observations.ts";
import { type Answer, UnlistedMachines } from "./unlisted_machines.ts";
import { isDeletedForGood } from "../../machine/readiness.ts";
import { SyncStatusKeeper } from "../work/sync_status.ts";
import { WaitLog } from "./wait_log.ts";
import type { Dependencies } from "../dependencies.ts";
import { writtenPod, WrittenPods } from "./written_pods.ts";

/** How often, in milliseconds, the view's freshness is written down. */
const HEARD_EVERY_MS = 1_000;

const log = logger("pods");
const notAsked = new GatheringLog("pods", "Unlisted machines cannot be asked for yet", { of: "looks" });

/** Follows the pods of our machines and writes down what it sees. Fed by a reflector, which never waits for the files. */
export class PodsWatcher implements Loop, ReflectorSink<Pod> {
  readonly name = "pods";
  readonly #dependencies: Dependencies;
  readonly #wake: () => void;
  readonly #changed: (machines: string[]) => void;
  readonly #unwrittenObservations: UnwrittenObservations;
  readonly #written: WrittenPods;
  readonly #listing: Listing;
  /** Machines that are known and that the LIST did not name. */
  readonly #unlisted: UnlistedMachines;
  /** Machines of which no pod is known, and whose names were found, once, to be those of other pods. */
  readonly #namesTaken = new Set<string>();
  readonly #foreign: ForeignPods;
  readonly #lists = new ListConfirmation();
  /** What was amiss with the last LIST, until another one has said the same. */
  #listDoubt: string | undefined;
  readonly #adopter: Adopter;
  readonly #goneMachines: GoneMachines;
  readonly #retries: Retries;
  readonly #view: SyncStatusKeeper;
  readonly #waits = new WaitLog();
  readonly #evictions: Evictions;
  readonly #complaints = new Complaints((_, error) => {
    log.warn("Pods are followed by asking for each: put their labels back", { error });
  });

  /** @param options `wake` has to make `step` run again soon; `changed` is told which machines were written down */
  constructor(dependencies: Dependencies, options: { wake: () => void; changed: (machines: string[]) => void }) {
    this.#dependencies = dependencies;
    this.#wake = options.wake;
    this.#changed = options.changed;
    this.#unlisted = new UnlistedMachines(dependencies);
    this.#foreign = new ForeignPods(dependencies);
    this.#view = new SyncStatusKeeper(dependencies, "pods");
    this.#written = new WrittenPods(dependencies);
    this.#evictions = new Evictions(dependencies);
    this.#unwrittenObservations = new UnwrittenObservations(dependencies);
    this.#listing = new Listing(dependencies.workdir);
    const isUnwritten = (machine: string) => this.#unwrittenObservations.has(machine);
    this.#adopter = new Adopter(dependencies, { isUnwritten, lost: (machines) => this.#unlisted.expect(machines) });
    this.#goneMachines = new GoneMachines(dependencies);
    this.#retries = new Retries(dependencies, notAsked);
  }

  /** `pods`: how many are followed; `heardSecondsAgo`: when the API server last spoke of them. */
  get counts(): { pods: number; heardSecondsAgo: number | undefined } {
    return { pods: this.#written.size, heardSecondsAgo: this.#view.heardSecondsAgo };
  }

  /** Machines that are to be written down. */
  readonly backlog = (): Backlog => this.#unwrittenObservations.backlog;

  /** True if all that was seen is written down, and the work directory accounts for every pod. */
  get isCaughtUp(): boolean {
    return this.#unwrittenObservations.size + this.#unlisted.size === 0 && this.#adopter.isDone;
  }

  /** False if the view that was written last, or the file of some pod that is followed, is not there any more. */
  get viewIsOurs(): boolean {
    return this.#dependencies.workdir.asOwner(() => this.#view.isThere && this.#written.haveFiles());
  }

  begin({ wentBack = false }: { wentBack?: boolean } = {}): void {
    this.#listing.begin();
    this.#foreign.begin();
    this.#view.begin();
    if (!wentBack || this.#written.isOutdated) return;
    log.error("The cluster was put back to an earlier state: every pod is looked at again");
    this.#written.outdate();
  }

  page(pods: Pod[]): void {
    for (const pod of pods) {
      const name = this.#nameOfOurs(pod);
      if (name === undefined) {
        this.#foreign.saw(pod);
        continue;
      }
      this.#listing.name(name);
      this.#unlisted.saw(name);
      this.#adopter.saw(pod);
      // A list counts as complete once all of it is written, so that nothing of it waits.
      if (!this.#hasWritten(name, pod)) this.#see(name, { pod }, { canWait: false });
    }
    this.#wake();
  }

  complete(): "doubted" | void {
    const { missing: unnamed, unseen, over } = this.#listing.unnamed(this.#unwrittenObservations.machines);
    const missing = unnamed.filter((name) => !this.#isSeenGone(name));
    const surprising = missing.filter((name) => !this.#isToGo(name)).length;
    if (this.#listing.isSuspicious(surprising) && this.#listDoubt === undefined) {
      const all = surprising + this.#listing.size;
      log.warn("The view of the cluster is in doubt", { missing: surprising, of: all });
      this.#listDoubt = `${surprising} of ${all} machines were missing from the last list: it is being confirmed`;
      this.#view.doubt(this.#listDoubt);
      return "doubted";
    }
    this.#listDoubt = undefined;
    this.#written.renewed();
    // That a list does not name a machine is a suspicion: whether it is gone is asked of each.
    this.#unlisted.begin({ missing, unseen });
    this.#heedRestores(); // One that was noticed since the last step is not to wait for the next list.
    if (this.#lists.listed()) this.#unlisted.confirm(this.#listing.machines);
    this.#goneMachines.begin(over);
    this.#adopter.begin();
    this.#listing.begin();
    this.#foreign.complete();
    this.#view.complete();
    this.#wake();
  }

  /** True if the machine was seen gone, which is not written down yet. */
  #isSeenGone(name: string): boolean {
    return "gone" in (this.#unwrittenObservations.get(name) ?? {});
  }

  /** True if it is no surprise that the machine is gone. */
  #isToGo(name: string): boolean {
    return this.#dependencies.returns.has(name) || this.#written.get(name)?.isGoing === true;
  }

  event(type: "ADDED" | "MODIFIED" | "DELETED", pod: Pod): void {
    const name = this.#nameOfOurs(pod);
    if (name === undefined) return this.#foreign.saw(pod);
    if (type !== "DELETED" && this.#isOlder(name, pod)) return;
    if (type === "DELETED" && !this.#isEvidence(name, pod)) {
      this.#unlisted.suspect(name, pod);
      return this.#wake();
    }
    this.#unlisted.saw(name);
    if (type === "DELETED") this.#lists.sawGone(name);
    this.#adopter.saw(pod);
    this.#see(name, type === "DELETED" ? { gone: pod } : { pod }, {
      canWait: type !== "DELETED" && this.#canWait(name, pod),
    });
    this.#wake();
  }

  /** True for a DELETED event that tells that the machine's pod is gone. */
  #isEvidence(name: string, pod: Pod): boolean {
    const known = this.#knownUid(name);
    return isDeletedForGood(pod) && (known === undefined || known === pod.metadata.uid);
  }

  /** The uid of the machine's pod as far as this process has seen it. */
  #knownUid(name: string): string | undefined {
    return podOf(this.#unwrittenObservations.get(name))?.metadata.uid ?? this.#written.get(name)?.uid;
  }

  /** True if a LIST that broke off had said more of this very pod: the watch goes on from before that. */
  #isOlder(name: string, { metadata: { uid, resourceVersion } }: Pod): boolean {
    const unwritten = this.#unwrittenObservations.get(name);
    const unwrittenPod = unwritten && "pod" in unwritten ? unwritten.pod.metadata : undefined;
    const known = unwritten ? unwrittenPod : this.#written.get(name);
    return known?.uid === uid && isOlder(resourceVersion, known?.resourceVersion);
  }

  heard(): void {
    this.#view.heard();
  }

  answers(): void {
    this.#view.answers();
  }

  failed(error: KubeError): void {
    this.#view.failed(error);
  }

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock, returns, suspects } = this.#dependencies;
    returns.refresh(clock.now());
    for (const machine of suspects) this.#unlisted.suspect(machine);
    suspects.clear();
    this.#heedRestores();
    await this.#writeDown(this.#unwrittenObservations.nextSlice());
    this.#evictions.write((node) => this.#written.machinesOn(node));
    if (this.#unwrittenObservations.isCalm) await this.#adopter.step();
    if (this.#unwrittenObservations.isCalm) await this.#unlisted.lookThrough();
    if (this.#unwrittenObservations.isCalm) await this.#askForUnlisted(signal);
    if (this.#unwrittenObservations.isCalm && this.#unlisted.size === 0 && this.#adopter.isDone) {
      await this.#goneMachines.write();
    }
    if (!this.#unwrittenObservations.isCalm || !this.#adopter.isDone) return { kind: "again", atMs: clock.monotonic() };
    if (this.#unlisted.size > 0) {
      return { kind: "again", atMs: this.#retries.waits("unlisted") ? this.#retries.nextMs : clock.monotonic() };
    }
    this.#lists.asked();
    this.#writeSyncStatus();
    return { kind: "again", atMs: clock.monotonic() + (this.#unlisted.isLookedThrough ? HEARD_EVERY_MS : 0) };
  }

  #see(name: string, observation: Observation, { canWait }: { canWait: boolean }): void {
    const pod = podOf(observation);
    if (pod) this.#evictions.note(pod);
    if (pod) pod.metadata.managedFields = undefined; // A third of a pod's size, and no one reads it.
    this.#unwrittenObservations.set(name, observation, { canWait });
  }

  /** True if no answer to Symphony depends on the difference between this pod and what is written of it. */
  #canWait(name: string, pod: Pod): boolean {
    const before = this.#written.get(name);
    const { phase, podIP, isGoing } = writtenPod(pod);
    if (isGoing && !before?.isGoing && !this.#dependencies.returns.has(name)) return false;
    if (phase === "Pending") return before === undefined || before.phase === "Pending";
    return before?.phase === phase && before.podIP === podIP;
  }

  #hasWritten(name: string, pod: Pod): boolean {
    return !this.#unwrittenObservations.has(name) && this.#written.has(name, pod);
  }

  /** What is not there any more was seen last as it is noted here, else as it is written down. */
  #seeGone(name: string, suspected: Pod | undefined): void {
    const last = this.#unwrittenObservations.get(name);
    if (last && "gone" in last) return;
    const isOwn = suspected !== undefined && suspected.metadata.uid === this.#uidOf(name);
    this.#see(name, { gone: isOwn ? suspected : last?.pod }, { canWait: false });
  }

  /**
   * What cannot be written because of what is in its own place waits for a while.
   * @throws the first error that is not one machine's own, once the others are written down: nothing of it is forgotten
   */
  async #writeDown(slice: [string, Observation][]): Promise<void> {
    if (slice.length === 0) return;
    const failed = await writeObservations(this.#dependencies, slice);
    const trouble: unknown[] = [];
    for (const [name, observation] of slice) {
      if (!failed.has(name)) {
        this.#unwrittenObservations.written(name, observation);
        this.#waits.note(name, "pod" in observation ? observation.pod : undefined);
        if ("pod" in observation) this.#written.set(name, observation.pod);
        else {
          this.#written.delete(name);
          this.#goneMachines.gone(name);
        }
        continue;
      }
      const error = failed.get(name);
      this.#written.delete(name);
      if (!this.#unwrittenObservations.failed(name, observation, error)) trouble.push(error);
    }
    if (failed.size < slice.length) this.#changed(slice.map(([name]) => name));
    if (trouble.length > 0) throw trouble[0];
  }

  /** Once etcd was restored, lists are in doubt. */
  #heedRestores(): void {
    if (!this.#lists.look(this.#dependencies.kube.restores())) return;
    log.error("The view of the cluster is in doubt: restart every API server", { why: RESTORED });
    this.#unlisted.confirm(this.#written.machines);
    this.#view.doubt(RESTORED);
  }

  #writeSyncStatus(): void {
    const doubt = this.#lists.isDoubted ? RESTORED : this.#listDoubt;
    if (doubt === undefined) this.#view.write({ hasForeign: this.#foreign.areThere });
    else this.#view.doubt(doubt);
  }

  /** While the cluster cannot be asked, what the watch says is written down all the same, and the view waits. */
  async #askForUnlisted(signal: AbortSignal): Promise<void> {
    if (this.#retries.waits("unlisted")) return;
    try {
      for (const answer of await this.#unlisted.ask(signal)) this.#heed(answer);
      this.#retries.clear("unlisted");
    } catch (error) {
      this.#retries.note("unlisted", error);
    }
  }

  /** A pod is the machine's own by its uid, whatever its labels say; and if it is another, ours or not, the machine's is gone. */
  #heed({ machine, pod, last, isListed }: Answer): void {
    const isOwn = pod !== undefined && this.#isOwn(machine, pod);
    const hasLabels = pod !== undefined && this.#hasOurLabels(pod);
    if (!pod || (!isOwn && !hasLabels)) {
      if (isListed) this.#lists.refute(machine);
      // What a create has just been answered with may be ours, and not written down yet.
      const mayBeNew = pod !== undefined && this.#uidOf(machine) === undefined && !this.#namesTaken.delete(machine);
      if (!mayBeNew) return this.#seeGone(machine, last);
      this.#namesTaken.add(machine);
      return this.#unlisted.hide(machine);
    }
    if (!isListed) this.#unlisted.hide(machine);
    if (!hasLabels) this.#complaints.note("", new Error("somebody has changed labels by which we know our pods"));
    if (!this.#hasWritten(machine, pod)) this.#see(machine, { pod }, { canWait: false });
  }

  #isOwn(machine: string, pod: Pod): boolean {
    const uid = this.#uidOf(machine);
    return uid === undefined ? isAsOrdered(this.#dependencies, machine, pod) : uid === pod.metadata.uid;
  }

  /** The uid of the machine's pod as it was seen last. */
  #uidOf(machine: string): string | undefined {
    try {
      return this.#knownUid(machine) ?? readPodFacts(this.#dependencies.workdir, machine)?.uid;
    } catch {
      return undefined; // What cannot be read says nothing.
    }
  }

  /** The machine whose pod it is; `undefined` if it is none of ours. One that was ours before stays so, whatever its labels say. */
  #nameOfOurs(pod: Pod): string | undefined {
    const { name, uid } = pod.metadata;
    if (this.#hasOurLabels(pod)) return name;
    return name !== undefined && uid !== undefined && this.#knownUid(name) === uid ? name : undefined;
  }

  #hasOurLabels(pod: Pod): boolean {
    const { workdir } = this.#dependencies;
    const hasRequest = (id: string) => workdir.kind(workdir.layout.request(id)) === "directory";
    return isOurs(pod, { owner: this.#dependencies, hasRequest });
  }
}
