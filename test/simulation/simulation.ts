import { setImmediate } from "node:timers";
import { loadConfig } from "../../src/config.ts";
import { describeError, ExitCode, HostFactoryError } from "../../src/errors.ts";
import { parseMachineName } from "../../src/hf/names.ts";
import { connectKube } from "../../src/kube/connect.ts";
import type { Random } from "../../src/random.ts";
import { type Daemon, serve } from "../../src/serve/serve.ts";
import { WATCHERS } from "../../src/serve/watcher_names.ts";
import { SimulatedCluster } from "../../src/simulator/cluster.ts";
import type { ClusterSnapshot } from "../../src/simulator/etcd.ts";
import { openProvider, type Provider } from "../../src/verbs/provider.ts";
import { ENDED_GRACE_SECONDS } from "../../src/watchers/timeouts/decide.ts";
import type { EventsOptions } from "../../src/watchers/events/watcher.ts";
import { clusterFingerprint } from "../../src/workdir/cluster.ts";
import { readState, readTombstone } from "../../src/workdir/machines.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { Killed } from "../support/memory_files.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { happens, magnitude, randomFor } from "./chance.ts";
import { DEEDS } from "./deeds.ts";
import { SimulatedExtensions } from "./extensions.ts";
import { Departures } from "./departures.ts";
import { CONFDIR, Host, NO_TROUBLE, OTHER_AUTHORITY, OWN_AUTHORITY, WORKDIR } from "./host.ts";
import { type Invariant, invariantsOf, type Verb, type Witness } from "./invariants.ts";
import type { Plan, PlannedEvent } from "./plan.ts";
import type { Process } from "./process.ts";
import { type Asked, Symphony } from "./symphony.ts";
import { Trace } from "./trace.ts";
import { carriesOurLabels, INSTANCE, type Life, NAMESPACE, Truth } from "./truth.ts";
import { type Call, wire } from "./wire.ts";

/** How long after the end of all trouble everything may take to come to rest, in milliseconds. */
const REST_WITHIN_MS = 300_000;

/**
 * The same where somebody took files away: all is listed again every ten minutes, give or take one, as soon as a watch has ended
 * that lasts another; and what is asked for by name until then is the last that is tried.
 */
export const WHOLE_WITHIN_MS = 780_000;

/** Within this, what a dead process left under a hidden name is removed, in milliseconds. */
const SWEPT_WITHIN_MS = 31 * 60_000;

/** What is long past is removed at the latest so long after four times the time that it is kept, in milliseconds. */
const PAST_WITHIN_MS = 600_000;

/** Rows after which the log of an events database is moved: few, so that it happens in most runs. */
const MOST_LOGGED = 10;

/** The slowest answer by which the cluster's time may be told, in milliseconds. */
const SLOWEST_ANSWER_MS = 100_000;

/** So often a verb may wait for a sync at most, however many machines it is about. */
const MOST_SYNCS_IN_A_ROW = 5;

/** So often somebody may be woken within one millisecond. */
const MOST_WAKES = 20_000;

/** The token of the other management host, and a namespace that is not ours. */
const OTHER_TOKEN = "serve-other";
export const OTHER_NAMESPACE = "other";

/** A path of a request, a return request, or all of them. */
const REQUESTS = new RegExp(`^${WORKDIR}(/(return-)?requests(/.*)?)?$`);

/** A batch of events. */
const SPOOLED = new RegExp(`^${WORKDIR}/events/[^./]+$`);

/** How often Symphony asks at most while nothing happens, in milliseconds. */
const UNEVENTFUL_POLL_MS = 30_000;

/** How often it is looked whether all is at rest, in milliseconds. */
const LOOK_EVERY_MS = 5_000;

/** An invariant that does not hold. */
export interface Violation {
  number: number;
  title: string;
  what: string;
}

export interface Outcome {
  violation: Violation | undefined;
  trace: Trace;
  /** How much time passed, in seconds. */
  seconds: number;
}

/** What the network does to watches now. */
export interface Weather {
  lagMs: number;
  tears: number;
  deafBeforeMs: number;
}

/** The whole system in one process, under a clock, a disk and a cluster that exist only in memory: all that happens follows from the plan. */
export class Simulation {
  readonly plan: Plan;
  readonly clock = new SimulatedClock();
  readonly trace = new Trace(this.clock);
  readonly cluster: SimulatedCluster;
  readonly truth: Truth;
  /** The management host that Symphony runs on; after a fail-over it is another. */
  host: Host;
  readonly symphony: Symphony;
  readonly weather: Weather = { lagMs: 0, tears: 0, deafBeforeMs: -Infinity };
  readonly departures = new Departures();
  readonly extensions: SimulatedExtensions;
  /** When anything but a list, a watch or a look at a hidden pod was last sent to the cluster. */
  askedMs = -Infinity;
  /** When the state of each machine was last written, by whoever serves. */
  readonly stateWrittenMs = new Map<string, number>();
  /** When a clock last jumped. */
  jumpedMs = -Infinity;
  /** How many faults answer reads from the past now, and when one last did. */
  staleReads = 0;
  #staleMs = -Infinity;
  /** A serve has run on a machine whose clock is not the host's. */
  hasOtherClocks = false;
  /** A serve was paused: an answer that came meanwhile may have come too late for it. */
  hasPaused = false;
  /** When power failed last. */
  powerMs = -Infinity;
  /** When somebody last took something of the work directory away: what was asked before may be forgotten. */
  wipedMs = -Infinity;
  /** When somebody last took anything away: what is missing is found when all is listed again. */
  emptiedMs = -Infinity;
  /** When an old work directory was last put back: it does not know which pods have come and gone since. */
  restoredMs = -Infinity;
  /** How often a process has changed something of requests or return requests. */
  requestChanges = 0;
  /** Entries of the work directory that somebody broke on purpose. */
  readonly garbage = new Set<string>();
  clusterSkewMs: number;
  #clusterJumps = false;
  /** When somebody last meddled with the lease, or with the cluster's memory of it. */
  meddledMs = -Infinity;
  /** Until when something was refused to us, leases perhaps. */
  refusedMs = -Infinity;
  /** How many faults deceive even those who ask for a pod by its name, and when one last did. */
  deceits = 0;
  #deceivedMs = -Infinity;
  /** When etcd was last put back to an earlier state, and its revision before that. */
  putBackMs = -Infinity;
  #lostRevision = 0;
  /** Pods on which somebody wrote our note of a return. */
  readonly forged = new Set<string>();
  /** The process that was last to ask whether it may use the cluster, unless it may. */
  #refused: { process: Process; fingerprint: string } | undefined;
  /** The labels that somebody took from pods, by uid. */
  readonly stolenLabels = new Map<string, { name: string; labels: Record<string, string> }>();
  /** Another cluster, where none of our machines is. */
  readonly elsewhere: SimulatedCluster;
  /** So much time has passed since the last trouble that everything that a dead process left has been removed. */
  isSwept = false;
  /** So much time has passed that no pod that has ended is left. */
  isRidOfEnded = false;
  /** So much time has passed since everything came to its end that nothing of it is kept. */
  isRidOfPast = false;
  /** All is at rest, and a long time passes. */
  #isUneventful = false;
  /** Trouble is over: from now on everything has to come to rest. */
  isHealed = false;
  readonly #random: Random;
  readonly #invariants: Invariant[];
  readonly #serving = new Map<Process, {
    stopping: AbortController;
    host: Host;
    instance: string;
    /** On another machine, whose clock may differ so much that verbs cannot go by what it writes. */
    isElsewhere: boolean;
    /** When it began, on the monotonic clock. */
    sinceMs: number;
  }>();
  #violation: Violation | undefined;
  #processes = 0;
  readonly #hosts: [Host, Host];
  /** The management host of a site with another instance in the same namespace. */
  readonly neighbour: Host;
  /** The API server lists what etcd does not have any more. */
  #isBehind = false;

  constructor(plan: Plan) {
    const { seed } = plan;
    this.plan = plan;
    this.clusterSkewMs = plan.clusterSkewMs;
    this.#random = randomFor(seed, "weather");
    const common = {
      clock: {
        now: () => this.clock.now() + this.clusterSkewMs,
        monotonic: () => this.clock.monotonic(),
        sleep: (ms: number, signal?: AbortSignal) => this.clock.sleep(ms, signal),
      },
      users: [
        { name: "serve", token: "serve-0" },
        { name: "serve", token: OTHER_TOKEN },
        { name: "admin", token: "admin" },
      ],
      faults: [{ name: "slow" as const, id: "latency", latencyMs: 1, jitterMs: 20 }],
      bookmarkPeriodMs: 15_000,
      nodes: { count: 3 },
    };
    this.cluster = new SimulatedCluster({
      ...common,
      random: randomFor(seed, "cluster"),
      namespaces: [NAMESPACE, OTHER_NAMESPACE],
    });
    this.elsewhere = new SimulatedCluster({
      ...common,
      random: randomFor(seed, "elsewhere"),
      namespaces: [NAMESPACE],
    });
    this.truth = new Truth(this.cluster, {
      monotonic: () => this.clock.monotonic(),
      changed: (type, life) => {
        const { status, metadata } = life.pod;
        const going = metadata.deletionTimestamp === undefined ? "" : ", going";
        this.trace.say("cluster", `${type} ${life.name} ${life.uid.slice(0, 4)} ${status?.phase}${going}`);
        this.#tell((invariant) => invariant.podChanged?.(type, life));
      },
    });
    const makeHost = (name: string, token: string): Host => {
      const host: Host = new Host({
        name,
        token,
        clock: this.clock,
        random: randomFor(seed, name),
        before: (process, operation, path) => this.trace.mix(process.name, operation, path),
        changed: (_process, path) => this.#fileChanged(host, path),
      });
      return host;
    };
    this.host = makeHost("host", "serve-0");
    this.#hosts = [this.host, makeHost("other", OTHER_TOKEN)];
    this.neighbour = makeHost("neighbour", OTHER_TOKEN);
    this.symphony = new Symphony(this);
    this.extensions = new SimulatedExtensions(this);
    this.#invariants = invariantsOf(this);
  }

  /** Plays everything, until an invariant does not hold or all has come to rest at the end. */
  async run(): Promise<Outcome> {
    const onRejection = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      if (!(event.reason instanceof Killed)) {
        this.#violate(10, `a promise was rejected and no one cared: ${event.reason?.stack}`);
      }
    };
    globalThis.addEventListener("unhandledrejection", onRejection);
    try {
      await this.#play();
    } catch (error) {
      this.#violate(0, `the simulation itself failed: ${(error as Error).stack}`);
    } finally {
      for (const process of [...this.#serving.keys()]) process.kill();
      this.cluster.stop();
      this.elsewhere.stop();
      await turn();
      globalThis.removeEventListener("unhandledrejection", onRejection);
    }
    return { violation: this.#violation, trace: this.trace, seconds: this.trace.seconds };
  }

  async #play(): Promise<void> {
    const { plan, symphony, clock } = this;
    for (const event of plan.events) clock.after(event.atMs, () => this.#perform(event));
    const polls = randomFor(plan.seed, "polls");
    const pollMs = (times: number) => Math.max(plan.pollMs * times, this.#isUneventful ? UNEVENTFUL_POLL_MS : 0);
    this.#every(() => pollMs(1), () => symphony.poll(polls));
    this.#every(() => pollMs(2), () => symphony.pollReturns(polls));
    this.#every(() => 60_000, () => symphony.pollTemplates());
    this.startServe();
    await this.#letPass(plan.troubleMs);
    this.#heal();
    await this.#rest("after all trouble");
    if (plan.waitsForEnded) {
      // An end that was noted while the cluster's clock was ahead is noted again with the next list.
      await this.#waitFor(ENDED_GRACE_SECONDS * 1000 + (this.#clusterJumps ? WHOLE_WITHIN_MS : 0));
      this.isRidOfEnded = true;
      await this.#rest("after the grace of what ended");
    }
    await symphony.giveBackThese([...this.#allMachines()].sort());
    await this.#rest("after everything was given back");
    if (plan.retention) {
      await this.#waitFor(4 * plan.retention.retainSeconds * 1000 + PAST_WITHIN_MS);
      this.isRidOfPast = true;
      await this.#rest("after everything was long past");
    }
    if (!plan.waitsForSweep) return;
    await this.#waitFor(SWEPT_WITHIN_MS);
    this.isSwept = true;
    await this.#rest("after the sweep");
  }

  /** One of the product's verbs, in a process of its own. @returns its answer; nothing where it was killed before it gave one */
  async runVerb(
    verb: Verb,
    input: unknown,
    options: {
      answer: (provider: Provider) => Promise<object>;
      killAt?: number | undefined;
      requestId?: string | undefined;
    },
  ): Promise<object | undefined> {
    const process = this.host.start(`${verb}-${++this.#processes}`);
    if (options.killAt !== undefined) process.ambush(options.killAt, () => this.#strikeDown(process));
    const { requestId } = options;
    const config = loadConfig(
      { workdir: WORKDIR, confdir: CONFDIR, instance: INSTANCE, ...(requestId === undefined ? {} : { requestId }) },
      {},
    );
    const random = randomFor(this.plan.seed, process.name);
    const recordsEvents = this.plan.recording !== undefined;
    const world = { files: process.files, clock: process.clock, random, recordsEvents, warn() {} };
    const beganMs = this.clock.monotonic();
    const { disk: diskBefore, syncMs: syncMsBefore } = this.host.trouble;
    let answer: object;
    let failed = false;
    try {
      answer = await options.answer(openProvider(config, world));
    } catch (error) {
      failed = true;
      answer = { message: describeError(error) };
    }
    // A verb goes on where events cannot be recorded, but not where it died of that.
    if (process.isDead) {
      this.trace.say(verb, "was killed");
      return undefined;
    }
    process.kill();
    this.trace.say(verb, `${JSON.stringify(input)} → ${JSON.stringify(answer)}`);
    const { disk, syncMs } = this.host.trouble;
    // Who finds that the directory was taken away under it says so, and has accepted nothing: it is asked again.
    const isWell = diskBefore === "well" && disk === "well" && this.emptiedMs < beganMs;
    const tookMs = this.clock.monotonic() - beganMs;
    // While a disk is slow, time passes for all hosts.
    const slowAtMs = Math.max(...[...this.#hosts, this.neighbour].map((host) => host.slowAtMs));
    const mostMs = slowAtMs >= beganMs ? Infinity : MOST_SYNCS_IN_A_ROW * Math.max(syncMsBefore, syncMs);
    const run = { verb, input, answer, failed, isWell, tookMs, mostMs };
    this.#tell((invariant) => invariant.answered?.(run));
    return failed ? undefined : answer;
  }

  /** Runs a verb on a host if no Symphony is that is looked at here. */
  async runElsewhere(host: Host, answer: (provider: Provider) => Promise<object>): Promise<void> {
    const process = host.start(`elsewhere-${++this.#processes}`);
    const config = loadConfig({ workdir: WORKDIR, confdir: CONFDIR, instance: INSTANCE }, {});
    const random = randomFor(this.plan.seed, process.name);
    const { files, clock } = process;
    const said = await answer(openProvider(config, { files, clock, random, warn() {} })).catch(describeError);
    this.trace.say(process.name, JSON.stringify(said));
    process.kill();
  }

  /**
   * Starts a `serve`; whoever ends in another way than by our hand is started again, as a supervisor does.
   * @param options `aheadMs`: on a machine that shares the disk of the host, whose clock is so far ahead
   */
  startServe(
    { host = this.host, instance = INSTANCE, aheadMs = 0, acceptCluster }: {
      host?: Host;
      instance?: string;
      aheadMs?: number;
      acceptCluster?: string;
    } = {},
  ): Process {
    const process = host.start(`serve-${++this.#processes}`, { aheadMs });
    this.hasOtherClocks ||= aheadMs !== 0;
    const { name, files, clock } = process;
    const random = randomFor(this.plan.seed, name);
    const stopping = new AbortController();
    const network = wire(process, {
      clock: this.clock,
      handle: (request, { ca }) => (ca === OTHER_AUTHORITY ? this.elsewhere : this.cluster).handle(request),
      sent: (who, call) => this.#sent(who, call),
      answered: (who, call, answer) => {
        this.trace.say(who.name, `${call.method} ${nameOf(call.path)} → ${answer}`);
        if (/\/pods/.test(call.path) && /^2/.test(answer)) this.#heard(who);
      },
      heard: (who) => this.#heard(who),
      lagMs: () => this.weather.lagMs,
      deafBeforeMs: () => this.weather.deafBeforeMs,
      tears: () => this.weather.tears > 0 && happens(this.#random, this.weather.tears),
    });
    const environment = { KUBERNETES_SERVICE_HOST: "cluster", KUBERNETES_SERVICE_PORT: "443" };
    const connect: Daemon["connect"] = ({ admit, ...guards }) =>
      connectKube({
        environment,
        files,
        clock,
        network,
        ...guards,
        admit: async (place, uidOf) => {
          this.#refused = { process, fingerprint: clusterFingerprint(place) };
          await admit?.(place, uidOf);
          this.#refused = undefined;
        },
      });
    const machine = aheadMs === 0 ? host.name : `${host.name}-shared`;
    const holder = { host: machine, pid: this.#processes, command: "hostfactory serve", since: "" };
    const { concurrency, podTimeoutSeconds, imagePullGraceSeconds, watchTimeoutSeconds, relistMs, retention } =
      this.plan;
    const times = { podTimeoutSeconds, imagePullGraceSeconds, watchTimeoutSeconds, relistMs };
    const kept = retention === undefined ? {} : { retention };
    const accepted = acceptCluster === undefined ? {} : { acceptCluster };
    const wanted = { watchers: WATCHERS, instance, concurrency, ...accepted };
    const options = { ...wanted, ...times, ...kept, ...this.#storage(host, process) };
    const sinceMs = this.clock.monotonic();
    this.#serving.set(process, { stopping, host, instance, isElsewhere: aheadMs !== 0, sinceMs });
    this.trace.say(name, `starts on ${machine}`);
    const workdir = new Workdir(WORKDIR, { files, random });
    process.onEnd(() => this.#serving.delete(process));
    const extensions = this.extensions.of(process);
    const events = this.plan.recording ? { eventMetadata: {} } : {};
    const daemon = { workdir, connect, clock, random, locks: host.locks(process), holder, extensions, ...events };
    serve(daemon, options, stopping.signal).then(
      () => this.#served(process, undefined, stopping.signal.aborted),
      (error) => this.#served(process, error, stopping.signal.aborted),
    );
    return process;
  }

  /** Where a `serve` stores events, and how often it is told to begin a new database. */
  #storage(host: Host, process: Process): { storage?: EventsOptions } {
    const { recording } = this.plan;
    if (!recording) return {};
    const beganMs = this.clock.monotonic();
    const rotations = () => Math.floor((this.clock.monotonic() - beganMs) / recording.rotateMs);
    const open = (path: string) => host.databases.open(process, path);
    const dbfile = host.workdir.layout.eventsDatabase;
    return { storage: { dbfile, skipEvents: true, open, rotations, mostLogged: MOST_LOGGED } };
  }

  /** The processes that serve the work directory now, the oldest first. */
  get serving(): Process[] {
    return this.servingOn(this.host);
  }

  /** True if no process remembers what the work directory held before somebody last took something of it away. */
  get isForgetful(): boolean {
    return ![...this.#serving.values()].some(({ host, sinceMs }) => host === this.host && sinceMs < this.wipedMs);
  }

  servingOn(host: Host): Process[] {
    return [...this.#serving].flatMap(([process, one]) => one.host === host ? [process] : []);
  }

  /** The management host that Symphony does not run on, with a work directory of its own. */
  get otherHost(): Host {
    return this.host === this.#hosts[0] ? this.#hosts[1] : this.#hosts[0];
  }

  /** Symphony's host is lost, with all that runs on it, and Symphony goes on on the other one, with what is known there. */
  failOver(): void {
    const lost = this.host;
    this.trace.say("host", "is lost: Symphony goes on on the other one");
    for (const process of this.servingOn(lost)) this.kill(process);
    lost.killAll();
    this.host = this.otherHost;
    this.wipedMs = this.emptiedMs = this.clock.monotonic();
    if (this.serving.length === 0) this.startServe();
  }

  /** Tells every `serve` to stop, as the first SIGTERM does. */
  stopServe(): void {
    for (const [process, { stopping, host }] of this.#serving) {
      if (host !== this.host) continue;
      this.trace.say(process.name, "is told to stop");
      stopping.abort();
    }
  }

  /** Kills a process right now. */
  kill(process: Process): void {
    if (process.isDead) return;
    this.trace.say(process.name, "is killed");
    process.kill();
    this.#tell((invariant) => invariant.crashed?.());
  }

  /** Ends a verb half-way: it alone, or the whole host. */
  #strikeDown(process: Process): void {
    if (this.isHealed || happens(this.#random, 0.7)) return process.kill();
    this.failPower(this.#random);
    this.clock.after(5_000, () => this.serving.length === 0 && this.startServe());
  }

  /** Fails the power of the host. */
  failPower(random: Random): void {
    this.trace.say("host", "the power fails");
    this.powerMs = this.clock.monotonic();
    this.host.crash(random);
    this.#tell((invariant) => invariant.crashed?.());
  }

  /** When reads were last answered wrong, so that what they say is neither now nor was ever: at most now. */
  get lieMs(): number {
    // What was hidden is found when all is listed.
    return Math.max(this.#lastStaleMs, this.#lastDeceivedMs + WHOLE_WITHIN_MS);
  }

  /** When a read was last answered from the past: at most now. */
  get #lastStaleMs(): number {
    return this.staleReads > 0 ? this.clock.monotonic() : this.#staleMs;
  }

  /** One fault less answers reads from the past. */
  endStaleReads(): void {
    this.#staleMs = this.clock.monotonic();
    this.staleReads--;
  }

  /** True for a pod that was stored with our labels, and still has them. */
  #isMarked({ uid, isUnmarked }: Pick<Life, "uid" | "isUnmarked">): boolean {
    return !isUnmarked && !this.stolenLabels.has(uid);
  }

  /**
   * True for a pod that has lost its labels, or never had them, as well as its request, or of whose machine a directory that was
   * put back knows the end of another pod: no list names it, and no file.
   */
  isFoundByNothing({ name, uid, isUnmarked }: Life): boolean {
    const { workdir } = this.host;
    if (this.#isMarked({ uid, isUnmarked })) return false;
    if (!readRequest(workdir, parseMachineName(name)?.requestId ?? "")) return true;
    return this.restoredMs > -Infinity && (readTombstone(workdir, name)?.uid ?? uid) !== uid;
  }

  /** True where what Symphony asked for has come to its end long enough ago to have been removed. */
  mayBePast({ atMs, machines }: Asked): boolean {
    const { retention } = this.plan;
    if (!retention) return false;
    // One that has come back since is another matter, but where it was only said to have gone.
    if (
      this.#reappearedMs === -Infinity &&
      machines.some((name) => {
        const life = this.truth.living(name);
        return life?.isOurs && this.#isMarked(life);
      })
    ) return false;
    // Slow answers, jumps of the cluster's clock, and much that is kept, make that sooner than it seems.
    const soonerMs = this.#clusterJumps || retention.retainMachines < 100 ? Infinity : SLOWEST_ANSWER_MS;
    return this.clock.monotonic() - atMs >= retention.retainSeconds * 1000 - soonerMs;
  }

  /**
   * True for a return request that retention may have removed before pods of some of its machines reappeared: only what these
   * remember of it is restored.
   */
  mayBeBackInPart(asked: Asked): boolean {
    return asked.kind === "return" && asked.atMs < this.#reappearedMs && this.mayBePast(asked);
  }

  /** etcd is put back to an earlier state; an API server that goes on running lists what is lost until it is restarted. */
  putBack(snapshot: ClusterSnapshot, apiServer: "restarted" | "running"): void {
    this.restartApiServer();
    this.#lostRevision = this.cluster.revision;
    this.cluster.restore(snapshot, { apiServer });
    this.truth.putBack(this.cluster.listPods({ namespace: NAMESPACE }));
    this.departures.putBack();
    this.meddledMs = this.putBackMs = this.emptiedMs = this.clock.monotonic();
    this.#isBehind = apiServer === "running";
    this.staleReads++;
    if (!this.#isBehind) this.endStaleReads();
  }

  /** The API server lists what is there again, should it have listed what is lost. */
  restartApiServer(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    // Versions that have overtaken the lost ones show no step back.
    if (this.cluster.revision >= this.#lostRevision) this.#deceivedMs = this.clock.monotonic();
    this.cluster.restartApiServer();
    this.endStaleReads();
  }

  /** When pods last may have reappeared that were gone: etcd was put back, or they had been hidden. */
  get #reappearedMs(): number {
    return Math.max(this.putBackMs, this.#lastDeceivedMs);
  }

  /** When even a GET of a pod by its name was last answered wrong: at most now. */
  get #lastDeceivedMs(): number {
    return this.deceits > 0 ? this.clock.monotonic() : this.#deceivedMs;
  }

  /** True if a GET of a pod by its name has ever been answered wrong. */
  get wasDeceived(): boolean {
    return this.#lastDeceivedMs > -Infinity;
  }

  /** One fault less deceives those who ask for a pod by its name. */
  endDeceit(): void {
    this.#deceivedMs = this.clock.monotonic();
    this.deceits--;
  }

  /** True where a work directory was lost, or another one has been served: what it has to go by are the pods alone. */
  get wasRebuilt(): boolean {
    if (this.#reappearedMs > -Infinity && this.plan.retention) return true;
    return this.wipedMs > -Infinity || this.#hosts[1].workdir.kind(this.host.workdir.layout.requests) !== undefined;
  }

  /** True if no clock is left by which it could be told how old a pod is. */
  get bothClocksJumped(): boolean {
    return this.#clusterJumps && this.jumpedMs > -Infinity;
  }

  /** The cluster's clock jumps, or is said to be another. */
  noteClusterJump(): void {
    this.#clusterJumps = true;
  }

  /** The cluster's clock jumps. */
  jumpCluster(ms: number): void {
    this.#clusterJumps = true;
    this.clusterSkewMs += ms;
  }

  /** Ends a fault again: after a while, or when all trouble ends. */
  undo(afterMs: number, what: string, act: () => void): void {
    this.clock.after(afterMs, () => {
      if (this.isHealed) return;
      this.trace.say("trouble", `is over: ${what}`);
      act();
    });
  }

  #perform(event: PlannedEvent): void {
    if (this.isHealed) return;
    this.trace.say("trouble", `#${event.id} ${event.deed}`);
    const act = async () => await DEEDS[event.deed].act(this, randomFor(event.seed, "deed"));
    void act().catch((error) => this.#violate(0, `deed #${event.id} failed: ${error?.stack}`));
  }

  #every(ms: () => number, act: () => Promise<unknown>): void {
    const run = () => {
      this.clock.after(ms(), run);
      void act().catch((error) => this.#violate(0, `a player failed: ${error?.stack}`));
    };
    this.clock.after(ms(), run);
  }

  /** Lets a long time pass in which nothing happens but what serve does by itself. */
  async #waitFor(ms: number): Promise<void> {
    this.#isUneventful = true;
    await this.#letPass(ms);
    this.#isUneventful = false;
  }

  async #letPass(ms: number): Promise<void> {
    const untilMs = this.clock.monotonic() + ms;
    let wakes = 0;
    while (!this.#violation && (this.clock.nextMs ?? Infinity) + this.clock.monotonic() <= untilMs) {
      const beforeMs = this.clock.monotonic();
      this.clock.wakeNext();
      await turn();
      wakes = this.clock.monotonic() > beforeMs ? 0 : wakes + 1;
      if (wakes > MOST_WAKES) this.#violate(10, "somebody runs in a circle, and time stands still");
    }
    this.clock.pass(untilMs - this.clock.monotonic());
  }

  #heal(): void {
    this.trace.say("trouble", "ends, all of it");
    this.isHealed = true;
    this.extensions.heal();
    for (const { id } of this.cluster.listFaults()) if (id !== "latency") this.cluster.clearFault(id);
    this.restartApiServer();
    for (const [process, { host, instance, isElsewhere }] of [...this.#serving]) {
      if (host !== this.host || instance !== INSTANCE || isElsewhere) this.kill(process);
      else process.resume();
    }
    for (const [uid, { name, labels }] of this.stolenLabels) {
      if (this.truth.living(name)?.uid === uid) void this.patchPod(name, { metadata: { labels } });
    }
    for (const host of this.#hosts) host.trouble = { ...NO_TROUBLE };
    this.host.writeAccount("namespace", NAMESPACE);
    this.host.writeAccount("ca.crt", OWN_AUTHORITY);
    Object.assign(this.weather, { lagMs: 0, tears: 0 });
    while (this.staleReads > 0) this.endStaleReads();
    while (this.deceits > 0) this.endDeceit();
    this.cluster.access.grant({ name: "serve", token: "serve-end" });
    this.host.writeToken("serve-end");
    if (this.serving.length === 0) this.startServe();
    this.#every(() => 10_000, () => Promise.resolve(this.#tidyUp()));
    this.#every(() => 30_000, () => Promise.resolve(this.#acceptCluster()));
  }

  /**
   * An operator reads that no machine of the work directory is in this cluster, and knows why: most of what was in it is lost,
   * and the pods of the rest have gone; or it was asked to return what it never had, while it was led to another cluster.
   */
  #acceptCluster(): void {
    if (!this.#refused || (this.wipedMs === -Infinity && !this.symphony.hasMistaken)) return;
    const { process, fingerprint } = this.#refused;
    this.trace.say("operator", `accepts the cluster ${fingerprint}`);
    this.kill(process);
    this.startServe({ acceptCluster: fingerprint });
  }

  /** What holds pods up in their deletion lets go of them. */
  #tidyUp(): void {
    for (const { name, pod } of this.truth.allLiving()) {
      if (pod.metadata.deletionTimestamp === undefined) continue;
      if (pod.metadata.finalizers?.length) void this.patchPod(name, { metadata: { finalizers: null } });
      else this.truth.asOutsider(() => this.cluster.deletePod(name, { namespace: NAMESPACE, gracePeriodSeconds: 0 }));
    }
  }

  /** Changes a pod as `kubectl` does. */
  async patchPod(name: string, patch: object): Promise<void> {
    await this.#send("PATCH", name, { body: patch, type: "application/merge-patch+json" });
  }

  /** Evicts a pod as a drain does. */
  async evictPod(name: string): Promise<void> {
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
    await this.#send("POST", `${name}/eviction`, { body, type: "application/json" });
  }

  async #send(method: string, path: string, { body, type }: { body: object; type: string }): Promise<void> {
    const url = `https://cluster/api/v1/namespaces/${NAMESPACE}/pods/${path}`;
    const headers = { authorization: "Bearer admin", "content-type": type };
    const request = new Request(url, { method, headers, body: JSON.stringify(body) });
    await this.cluster.handle(request).then((response) => response.body?.cancel(), () => {});
  }

  async #rest(when: string): Promise<void> {
    const isHidden = Math.max(this.emptiedMs, this.lieMs) > -Infinity;
    const restlessMs = this.clock.monotonic() + (isHidden ? WHOLE_WITHIN_MS : REST_WITHIN_MS);
    while (!this.#violation) {
      await this.#letPass(LOOK_EVERY_MS);
      if (this.serving.length === 0) this.startServe();
      const restless = this.#invariants.flatMap((invariant) => {
        const what = invariant.rested?.();
        return what === undefined ? [] : [{ ...invariant, what: `${when}: ${what}` }];
      });
      const [first] = restless;
      if (!first) return;
      if (this.clock.monotonic() >= restlessMs) this.#violate(first.number, first.what);
    }
  }

  /** Every machine that there is a request for on the disk, heard of or not. */
  #allMachines(): Set<string> {
    const { workdir } = this.host;
    const machines = new Set(this.symphony.machines);
    for (const name of workdir.names(workdir.layout.podsStatus)) machines.add(name);
    return machines;
  }

  #served(process: Process, error: unknown, wasTold: boolean): void {
    if (process.isDead) return;
    const isLocked = error instanceof HostFactoryError && error.exitCode === ExitCode.locked;
    const { host = this.host, instance } = this.#serving.get(process) ?? {};
    this.trace.say(process.name, error === undefined ? "ends" : `ends: ${describeError(error)}`);
    process.kill();
    if (isLocked || instance !== INSTANCE) return;
    this.#tell((invariant) => invariant.ended?.({ process, host, error, wasTold }));
    this.clock.after(5_000, () => {
      if (this.servingOn(host).length === 0 && (host === this.host || !this.isHealed)) this.startServe({ host });
    });
  }

  #heard(process: Process): void {
    const { host } = this.#serving.get(process) ?? {};
    if (host && !process.isDead) host.heardMs = this.clock.monotonic();
  }

  #sent(process: Process, call: Call): void {
    this.trace.say(process.name, `${call.method} ${nameOf(call.path)}`);
    const [ofPod, pod = ""] = /\/pods(?:\/([^/?]+))?(?:\?fieldManager=.*)?$/.exec(call.path) ?? [];
    const { host = this.host, instance } = this.#serving.get(process) ?? {};
    const isCounted = ofPod !== undefined && !(call.method === "GET" && this.#isHidden(pod));
    if (isCounted && host === this.host) this.askedMs = this.clock.monotonic();
    if (instance !== INSTANCE) return;
    this.#tell((invariant) => invariant.sent?.(call, { process, host }));
  }

  /** True for a pod that neither a list nor the watch shows: it is asked for every ten seconds, for as long as it is there. */
  #isHidden(name: string): boolean {
    const life = this.truth.living(name);
    return life !== undefined && !carriesOurLabels(life.pod);
  }

  #fileChanged(host: Host, path: string): void {
    if (host === this.neighbour) return;
    if (SPOOLED.test(path)) this.#tell((invariant) => invariant.batchChanged?.(host, path));
    if (REQUESTS.test(path)) this.requestChanges++;
    const directory = `${WORKDIR}/pods-status/`;
    if (!path.startsWith(directory) || path.startsWith(`${directory}.`)) return;
    const machine = path.slice(directory.length);
    const state = readState(host.workdir, machine);
    this.trace.say("files", `${machine} is ${state}`);
    this.stateWrittenMs.set(machine, this.clock.monotonic());
    if (state !== undefined) this.#tell((invariant) => invariant.stateWritten?.(machine, state));
  }

  #tell(witness: (invariant: Witness) => string | undefined | void): void {
    for (const invariant of this.#invariants) {
      const what = witness(invariant);
      if (what !== undefined) this.#violate(invariant.number, what);
    }
  }

  #violate(number: number, what: string): void {
    if (this.#violation) return;
    const title = this.#invariants.find((invariant) => invariant.number === number)?.title ?? "The simulation is sound";
    this.#violation = { number, title, what };
    this.trace.say("VIOLATION", `${number}. ${title}: ${what}`);
  }
}

/** A while in milliseconds, mostly short, now and then long. */
export function aWhile(random: Random, { mostMs = 60_000 } = {}): number {
  return magnitude(random, 200, mostMs);
}

/** Lets everything be done that waits for nothing from outside. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** As much of a path as a reader wants to see. */
function nameOf(path: string): string {
  const rest = path.slice(path.indexOf("/pods") + 1);
  return rest.replace(/labelSelector=[^&]*&?/, "");
}
