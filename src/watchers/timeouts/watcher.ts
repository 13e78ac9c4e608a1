import { Budget } from "../../budget.ts";
import { epochSeconds } from "../../clock.ts";
import { describeError } from "../../errors.ts";
import { KubeError } from "../../kube/errors.ts";
import type { Pod } from "../../kube/types.ts";
import { GatheringLog, logger } from "../../log.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import type { PodFacts } from "../../machine/pod_facts.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import { readPodFacts } from "../../workdir/pod_file.ts";
import { type Tombstone, tombstoneOfGivingUp } from "../../machine/tombstone.ts";
import { readMachine } from "../../workdir/snapshot.ts";
import { readSyncStatus } from "../../workdir/index/sync_status.ts";
import { decideTimeout, type Limits, newsOfGivingUp, type PodAges, reasonToGiveUp } from "./decide.ts";
import { DeletionBrake } from "./deletion_brake.ts";
import { PodDeleter } from "../work/pod_deleter.ts";
import { changeOfEnding } from "../work/endings.ts";
import { type Backlog, type Loop, type Outcome, sumOf } from "../loop.ts";
import { OwnAges } from "./own_ages.ts";
import { Retries } from "../work/retries.ts";
import { isClusterTrouble, type Lane } from "../work/limiter.ts";
import { hasEnded, phaseOf } from "../../machine/readiness.ts";
import type { Dependencies } from "../dependencies.ts";

/** How often, in milliseconds, pods are looked over. */
const LOOK_EVERY_MS = 5_000;

/** How long, in milliseconds, a pod that the cluster did not confirm as pending too long is left to the pods' watcher. */
const ASK_AGAIN_MS = 30_000;

/** As soon as the cluster has answered for so many machines, it is judged which of them are given up, all in one go. */
const MANY_ANSWERS = 100;

const log = logger("expiry");
const notGivenUp = new GatheringLog("expiry", "Machines cannot be read or given up yet", { of: "machines" });

/**
 * Gives up on machines whose pods are pending too long or can never work, and deletes every pod that was given up on, or
 * that ended and that no one gives back, until it is gone.
 */
export class TimeoutsWatcher implements Loop {
  readonly name = "expiry";
  readonly #dependencies: Dependencies;
  readonly #limits: Limits;
  readonly #dryRun: boolean;
  readonly #podDeleter: PodDeleter;
  readonly #lane: Lane;
  readonly #retries: Retries;
  /** By machine, when the cluster may be asked for it again, on the monotonic clock. */
  readonly #askAgainMs = new Map<string, number>();
  /** Of running machines that stay: when their pod files were written, on the wall clock. */
  readonly #lookedAtMs = new Map<string, number>();
  /** Of the names of pods, when they were looked over last: see `PodNames`. */
  #revision = -1;
  readonly #ages: OwnAges;
  readonly #brake: DeletionBrake;
  #isTroubled = false;
  #doubt: string | undefined;

  /** @param options `dryRun` logs what would be done, and does nothing */
  constructor(dependencies: Dependencies, options: Limits & { dryRun?: boolean; wake: () => void }) {
    this.#dependencies = dependencies;
    this.#limits = options;
    this.#dryRun = options.dryRun ?? false;
    this.#podDeleter = new PodDeleter(dependencies, { wake: options.wake });
    this.#lane = dependencies.limiter.lane(dependencies.concurrency);
    this.#ages = new OwnAges(dependencies.clock);
    this.#brake = new DeletionBrake(dependencies);
    this.#retries = new Retries(dependencies, notGivenUp, {
      by: this.name,
      pathOf: (machine) => dependencies.workdir.layout.pod(machine),
    });
  }

  /** `heldDeletions`: how many pods are not deleted now because too many would be, if there are any (see `DeletionBrake`). */
  get counts(): { heldDeletions: number | undefined } {
    return { heldDeletions: this.#brake.held || undefined };
  }

  /** Pods to be deleted, and machines that cannot be read or given up. */
  readonly backlog = (): Backlog => sumOf([this.#podDeleter.backlog, this.#retries.backlog]);

  async step(signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#dependencies;
    if (!this.#isInDoubt()) await this.#lookAtAll(signal);
    return { kind: "again", atMs: clock.monotonic() + LOOK_EVERY_MS };
  }

  /** What is seen of the cluster is in doubt: nothing is given up or deleted because of it. */
  #isInDoubt(): boolean {
    const { doubt } = readSyncStatus(this.#dependencies.workdir, "pods") ?? {};
    if (doubt !== undefined && this.#doubt === undefined) log.warn("Timeouts and deletions paused", { why: doubt });
    this.#doubt = doubt;
    return doubt !== undefined;
  }

  async #lookAtAll(signal: AbortSignal): Promise<void> {
    const { clock, returns, podNames } = this.#dependencies;
    returns.refresh(clock.now());
    podNames.refresh(clock.now());
    const machines = podNames.all;
    const isChanged = podNames.revision !== this.#revision;
    this.#revision = podNames.revision;
    this.#brake.begin(machines);
    this.#ages.retain((key) => machines.has(key.slice(0, key.indexOf("/"))));
    for (const known of isChanged ? [this.#askAgainMs, this.#lookedAtMs] : []) {
      for (const name of known.keys()) if (!machines.has(name)) known.delete(name);
    }
    this.#retries.retain((name) => machines.has(name));
    this.#podDeleter.retain((name) => machines.has(name));
    if (machines.size > 0) await this.#learnTime(signal);
    const { toAsk, toDelete } = await this.#lookOver(machines, { isChanged });
    const held = await this.#deleteThese(toDelete);
    this.#podDeleter.start();
    await this.#ask([...toAsk, ...held], signal);
    this.#podDeleter.start();
    this.#brake.note();
  }

  /** Resolves once no delete is under way. */
  drained(): Promise<void> {
    return this.#podDeleter.drained();
  }

  /**
   * The machines of which the cluster is to be asked, and those whose pods are to be deleted.
   * @param options `isChanged`: pod files may have changed since the last look; else those that stay need no other
   */
  async #lookOver(
    machines: Iterable<string>,
    { isChanged }: { isChanged: boolean },
  ): Promise<{ toAsk: string[]; toDelete: string[] }> {
    const { clock } = this.#dependencies;
    const found = { toAsk: [] as string[], toDelete: [] as string[] };
    const budget = new Budget(clock);
    for (const machine of machines) {
      if (!isChanged && this.#lookedAtMs.has(machine)) continue;
      if (budget.isSpent) await budget.breathe();
      if (this.#retries.waits(machine) || clock.monotonic() < (this.#askAgainMs.get(machine) ?? 0)) continue;
      this.#unlessBroken(machine, () => {
        const { todo, pod } = this.#look(machine);
        if (todo === "delete") return void found.toDelete.push(machine);
        if (todo === "ask") found.toAsk.push(machine);
        if (pod?.endedAt !== undefined) this.#askLater(machine);
        this.#retries.clear(machine);
      });
    }
    return found;
  }

  /**
   * Once a machine's pod is gone nothing tells how it ended but the note on it: that has to last before.
   * @returns those that have been held back for long enough, and of which the cluster is to be asked once more
   */
  async #deleteThese(machines: string[]): Promise<string[]> {
    if (machines.length === 0) return [];
    const { workdir: { files, layout }, clock } = this.#dependencies;
    try {
      await files.sync(layout.machines);
    } catch (error) {
      for (const machine of machines) this.#retries.note(machine, error);
      return [];
    }
    const toLook: string[] = [];
    const budget = new Budget(clock);
    for (const machine of machines) {
      if (budget.isSpent) await budget.breathe();
      this.#unlessBroken(machine, () => {
        const { todo, pod } = this.#look(machine);
        this.#retries.clear(machine);
        if (todo !== "delete" || !pod) return;
        const verdict = this.#dryRun ? "go" : this.#brake.ask(machine);
        if (verdict === "go") this.#delete(machine, pod);
        else if (verdict === "look") toLook.push(machine);
        else this.#askLater(machine);
      });
    }
    return toLook;
  }

  /** As `Retries.attempt`, but `act` clears trouble itself: to find a pod that has to go does not mean that it went. */
  #unlessBroken(machine: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#retries.noteUnlessGone(machine, error);
    }
  }

  #look(machine: string): { todo: ReturnType<typeof decideTimeout>; pod: PodFacts | undefined } {
    const pod = this.#staysUp(machine) ? undefined : readPodFacts(this.#dependencies.workdir, machine);
    return { todo: pod ? this.#decide(machine, pod) : "stays", pod };
  }

  /** True for a machine that runs and whose pod has not changed since it was looked at: most do, and that is looked at alone. */
  #staysUp(machine: string): boolean {
    const { workdir } = this.#dependencies;
    const lookedAtMs = this.#lookedAtMs.get(machine);
    this.#lookedAtMs.delete(machine);
    if (readState(workdir, machine) !== "running") return false;
    const { modifiedMs } = workdir.files.info(workdir.layout.pod(machine));
    if (lookedAtMs !== modifiedMs && readPodFacts(workdir, machine)?.hindered?.isCertain) return false;
    this.#lookedAtMs.set(machine, modifiedMs);
    return true;
  }

  #decide(machine: string, pod: PodFacts): ReturnType<typeof decideTimeout> {
    const { workdir, returns, clock } = this.#dependencies;
    const { state, tombstone, returned } = readMachine(workdir, machine, { isReturned: (name) => returns.has(name) });
    const notedAt = tombstone && epochSeconds(workdir.files.info(workdir.layout.machine(machine)).modifiedMs);
    const aging = { state, tombstone, returned, pod, notedAt, ages: this.#agesOf(machine, pod) };
    return decideTimeout(aging, { ...this.#limits, now: this.#now(), hostNow: epochSeconds(clock.now()) });
  }

  /** What earlier versions and the legacy plug-in wrote does not say since when it was seen. */
  #agesOf(machine: string, { uid, seenAt, createdAt, hindered, endedAt, endedSeenAt }: PodFacts): PodAges {
    const age = (what: string, at: number | undefined) => this.#ages.of(`${machine}/${uid}/${what}`, at);
    return {
      pod: age("pod", seenAt ?? createdAt),
      hindered: hindered ? age(`hindered: ${hindered.what}`, hindered.seenAt ?? hindered.since) : Infinity,
      ended: endedAt === undefined ? Infinity : age("ended", endedSeenAt ?? endedAt),
    };
  }

  /** The cluster's time, in seconds since the epoch. */
  #now(): number | undefined {
    const now = this.#dependencies.kube.now();
    return now === undefined ? undefined : epochSeconds(now);
  }

  /** A process that has not asked the cluster for anything yet does not know its time: any answer tells it. */
  async #learnTime(signal: AbortSignal): Promise<void> {
    const { kube } = this.#dependencies;
    if (kube.now() !== undefined || this.#lane.free === 0) return;
    try {
      await kube.listPods({ limit: 1, signal });
      this.#answered();
    } catch (error) {
      this.#unanswered(error);
    }
  }

  #delete(machine: string, pod: Pick<PodFacts, "uid" | "deletionAt">): void {
    if (!this.#dryRun) return this.#podDeleter.want(machine, pod);
    log.info("Would delete the pod", { machine });
    this.#askLater(machine);
  }

  /** Asks the cluster for as long as it answers; those that are left are found again by the next look. */
  async #ask(machines: string[], signal: AbortSignal): Promise<void> {
    const left = [...machines];
    let answers: [machine: string, pod: Pod][] = [];
    while (left.length > 0 && this.#lane.free > 0 && !signal.aborted) {
      for (const machine of left.splice(0, this.#lane.free)) {
        this.#lane.start(async () => {
          const pod = await this.#get(machine, signal);
          if (pod) answers.push([machine, pod]);
        });
      }
      await this.#lane.drained();
      if (answers.length < MANY_ANSWERS) continue;
      await this.#giveUp(answers);
      answers = [];
    }
    await this.#giveUp(answers);
  }

  /** The cluster's own pod, or `undefined` if there is none or nothing can be known now. */
  async #get(machine: string, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      const pod = await this.#dependencies.kube.getPod(machine, { signal });
      this.#answered();
      return pod;
    } catch (error) {
      this.#unanswered(error);
      if (isClusterTrouble(error) || signal.aborted) return undefined;
      if (error instanceof KubeError && error.kind === "notFound") this.#askLater(machine);
      else this.#retries.note(machine, error);
      return undefined;
    }
  }

  #answered(): void {
    this.#lane.succeeded();
    this.#isTroubled = false;
  }

  #unanswered(error: unknown): void {
    this.#lane.failed(error);
    if (!isClusterTrouble(error)) return;
    if (!this.#isTroubled) log.warn("Timeouts paused: the API server cannot be asked", { error: describeError(error) });
    this.#isTroubled = true;
  }

  /** First why and that it is over, made to last, and only then the deletion. */
  async #giveUp(answers: [machine: string, pod: Pod][]): Promise<void> {
    if (answers.length === 0) return;
    for (const [machine, pod] of answers) this.#unlessBroken(machine, () => this.#releaseIfConfirmed(machine, pod));
    const givenUp = new Map<string, Tombstone>();
    // Judged only in the commit's turn: while answers, and the turn, were waited for, others may have come up.
    const decide = ([machine, pod]: [string, Pod]) => (): Change | undefined => {
      const tombstone = this.#tombstoneOf(machine, pod);
      if (!tombstone) return undefined;
      givenUp.set(machine, tombstone);
      return { ...changeOfEnding({ machine, state: "failed", tombstone }), news: newsOfGivingUp(pod) };
    };
    const failed = await commit(this.#dependencies, answers.map((answer) => [answer[0], decide(answer)]));
    for (const [machine, error] of failed) this.#retries.note(machine, error);
    for (const [machine, { uid }] of givenUp) {
      if (failed.has(machine)) continue;
      this.#retries.clear(machine);
      if (uid !== undefined) this.#podDeleter.want(machine, { uid, deletionAt: undefined });
    }
  }

  /** What is to be noted of a machine that is given up; `undefined` if it is not to be, or things have moved on. */
  #tombstoneOf(machine: string, pod: Pod): Tombstone | undefined {
    const facts = readPodFacts(this.#dependencies.workdir, machine);
    const isToAsk = facts !== undefined && this.#decide(machine, facts) === "ask";
    const ages = facts && this.#agesOf(machine, facts);
    const message = isToAsk && ages && reasonToGiveUp(pod, { ...this.#limits, facts, ages, now: this.#now() });
    if (!facts || !message || this.#dryRun || !this.#mayGiveUp(machine)) {
      if (message && this.#dryRun) log.info("Would give up the machine and delete its pod", { machine, message });
      this.#askLater(machine);
      return undefined;
    }
    return tombstoneOfGivingUp(facts, { message, up: phaseOf(pod) !== "Pending" });
  }

  /** The cluster was asked just now: for a machine that was held back, that is the second look. */
  #mayGiveUp(machine: string): boolean {
    const verdict = this.#brake.ask(machine);
    if (verdict === "look") this.#brake.release(machine);
    return verdict !== "held";
  }

  /** Deletes a pod that was held back, if the cluster still shows it as what it was to be deleted for. */
  #releaseIfConfirmed(machine: string, pod: Pod): void {
    const { todo, pod: facts } = this.#look(machine);
    if (todo !== "delete" || !facts || this.#brake.ask(machine) !== "look") return;
    const isOver = readTombstone(this.#dependencies.workdir, machine)?.givenUp || hasEnded(pod);
    if (pod.metadata.uid !== facts.uid || !isOver) return this.#brake.forget(machine);
    this.#brake.release(machine);
    this.#delete(machine, facts);
  }

  #askLater(machine: string): void {
    this.#askAgainMs.set(machine, this.#dependencies.clock.monotonic() + ASK_AGAIN_MS);
  }
}
