import { type Clock, NOT_NEEDED } from "../clock.ts";
import type { Kube } from "../kube/kube.ts";
import { reflect } from "../kube/reflector.ts";
import { logger, tellGathered } from "../log.ts";
import type { Monitor } from "../metrics/monitor.ts";
import type { Random } from "../random.ts";
import { version } from "../version.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import type { Loop } from "../watchers/loop.ts";
import { eventRecorder } from "../workdir/events.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { dependenciesOf } from "./dependencies.ts";
import { DirectoryKeeper } from "./directory_keeper.ts";
import type { Fence } from "./fence.ts";
import { LoopRunner } from "./loop_runner.ts";
import { type Collect, MemoryKeeper } from "./memory.ts";
import { RightsCheck } from "./rights_check.ts";
import { StatsLine, type Usage } from "./stats_line.ts";
import type { Tenure, Terms } from "./tenure.ts";
import { type LoopEntry, LOOPS, type WatcherOptions } from "./watchers.ts";

/** How the loops of a process run. */
export interface WatchOptions extends WatcherOptions {
  instance: string;
  /** How many creates, and how many deletes, may be under way at once. */
  concurrency: number;
  /** After how many seconds the API server is asked to end each watch. */
  watchTimeoutSeconds: number;
  /** How often everything is listed again though nothing seems to be missing, in milliseconds; default: the reflector's. */
  relistMs?: number;
  /** Let each watcher take one step, end what that started, and stop. */
  runOnce?: boolean;
}

/** What the loops of a process work with during one tenure, while it owns the instance and the work directory. */
export interface WatchContext extends Pick<Dependencies, "registrations" | "hooks"> {
  workdir: Workdir;
  kube: Kube;
  clock: Clock;
  random: Random;
  collect?: Collect | undefined;
  usage?: (() => Usage) | undefined;
  /** Sees what the loops do. */
  monitor?: Monitor | undefined;
  /** Told which machines were written down. */
  changed?: ((machines: string[]) => void) | undefined;
  /** What each event says beside its own; absent: no events are recorded. */
  eventMetadata?: Readonly<Record<string, string>> | undefined;
  fence: Fence;
  tenure: Tenure;
  terms: Terms;
  stopping: AbortSignal;
  /** To be called once the work directory is not ours any more; it aborts `stopping`. @param reason why, as a sentence */
  lost: (reason: string) => void;
}

/** How long, in milliseconds, calls under way may take to end once the process is to stop. */
const DRAIN_MS = 8_000;

const log = logger("serve");

/** Runs the loops of the watchers until `stopping` aborts, and then lets what is under way end. */
export async function watch(context: WatchContext, options: WatchOptions): Promise<void> {
  const workdir = context.workdir.fenced(context.fence.check);
  await workdir.prepare();
  await new Watch(workdir, context, options).run();
}

class Watch {
  readonly #workdir: Workdir;
  readonly #context: WatchContext;
  readonly #options: WatchOptions;
  readonly #dependencies: Dependencies;
  readonly #memory: MemoryKeeper | undefined;
  /** Aborts once what is under way has had its time to end. */
  readonly #end = new AbortController();
  readonly #loops: Loop[] = [];
  /** Those that want to know which machines were written down. */
  readonly #told: { loop: Loop; runner: LoopRunner }[] = [];
  readonly #running: Promise<void>[] = [];
  /** By directory, what a change in it wakes. */
  readonly #wokenBy = new Map<string, LoopRunner[]>();

  /** @param workdir behind the fence */
  constructor(workdir: Workdir, context: WatchContext, options: WatchOptions) {
    const { kube, clock, random, collect, usage, eventMetadata, terms, registrations, hooks, stopping } = context;
    const { instance, concurrency } = options;
    this.#workdir = workdir;
    this.#context = context;
    this.#options = options;
    this.#memory = collect && usage && new MemoryKeeper({ clock, collect, usage });
    // In front of the fence: without the lease, too, there is something to tell, such as that the cluster is away.
    const events = eventMetadata && eventRecorder({ workdir: context.workdir, clock }, eventMetadata);
    const given = { workdir, kube, clock, random, terms, registrations, hooks, events };
    this.#dependencies = dependenciesOf(given, { instance, concurrency, stopping, signal: this.#end.signal });
  }

  async run(): Promise<void> {
    const { stopping, fence } = this.#context;
    const workdir = this.#workdir;
    const { instance, watchers, dryRun = false, runOnce = false } = this.#options;
    log.info("Watching", { version, workdir: workdir.layout.root, instance, watchers: watchers.join(",") });
    const chosen = LOOPS.filter(({ partOf }) => partOf === undefined ? !dryRun : watchers.includes(partOf))
      .map((entry) => ({ entry, runner: this.#runner({ periodMs: entry.periodMs }) }));
    for (const { entry, runner } of chosen) this.#note(entry, runner);
    // Watch first, then scan: what comes in between is noticed by one or the other.
    workdir.files.watch([...this.#wokenBy.keys()], {
      signal: stopping,
      changed: (directory) => this.#wokenBy.get(directory)?.forEach((runner) => runner.wake()),
    });
    const { monitor } = this.#context;
    for (const loop of monitor?.loops(this.#context.workdir) ?? []) {
      this.#start(loop, this.#runner({ isBystander: true }));
    }
    if (this.#memory) this.#start(this.#memory, this.#runner({ isBystander: true }));
    for (const { entry, runner } of chosen) this.#begin(entry, runner);
    this.#tell();
    if (!dryRun && !runOnce) this.#start(this.#keeper(), this.#runner({}));
    await Promise.all(this.#running);
    // What is not ours any more is given no time.
    await this.#drain(fence.isOpen ? DRAIN_MS : 0);
    tellGathered({ isEnd: true });
    log.info("Stopped");
  }

  /** @param options `isBystander`: it changes nothing, and so needs to own nothing */
  #runner(
    { periodMs = Infinity, isBystander = false }: { periodMs?: number | undefined; isBystander?: boolean },
  ): LoopRunner {
    const { clock, random, fence, monitor } = this.#context;
    const ended = () => this.#memory?.look();
    const mayStep = isBystander ? undefined : (signal: AbortSignal) => fence.opened(signal);
    return new LoopRunner({
      clock,
      random,
      periodMs,
      ended,
      observer: monitor?.steps,
      ...(mayStep ? { mayStep } : {}),
    });
  }

  #note({ wokenBy }: LoopEntry, runner: LoopRunner): void {
    for (const directory of wokenBy?.(this.#workdir.layout, this.#options) ?? []) {
      this.#wokenBy.set(directory, [...this.#wokenBy.get(directory) ?? [], runner]);
    }
  }

  #begin(entry: LoopEntry, runner: LoopRunner): void {
    const { clock, random, kube, stopping } = this.#context;
    const { watchTimeoutSeconds, relistMs } = this.#options;
    const changed = (machines: string[]) => this.#tellChanged(machines);
    const loop = entry.make({ dependencies: this.#dependencies, options: this.#options, wake: runner.wake, changed });
    if (!loop) return;
    this.#start(loop, runner);
    const relist = relistMs === undefined ? {} : { relistMs };
    const restores = () => kube.restores();
    const shared = { clock, random, signal: stopping, watchTimeoutSeconds, restores, ...relist };
    const { monitor } = this.#context;
    const { instance } = this.#options;
    const followed = entry.follow?.(
      loop,
      kube,
      (source, sink, own) => reflect(source, monitor?.follow(loop.name, sink, instance) ?? sink, { ...shared, ...own }),
    );
    if (followed) this.#running.push(followed);
  }

  #start(loop: Loop, runner: LoopRunner): void {
    const { stopping } = this.#context;
    this.#loops.push(loop);
    if (loop.changed) this.#told.push({ loop, runner });
    this.#running.push(this.#options.runOnce ? once(loop, stopping) : runner.run(loop, stopping));
  }

  #tellChanged(machines: string[]): void {
    this.#context.changed?.(machines);
    for (const { loop, runner } of this.#told) {
      if (loop.changed?.(machines) !== false) runner.wake();
    }
  }

  #tell(): void {
    const { clock, kube, usage, monitor } = this.#context;
    if (!usage) return;
    this.#start(new RightsCheck({ kube, clock }), this.#runner({ isBystander: true }));
    const counts = () => Object.assign({}, ...this.#loops.map((loop) => loop.counts));
    monitor?.askLoops(() => ({
      counts: counts(),
      backlogs: Object.fromEntries(this.#loops.map(({ name, backlog }) => [name, backlog?.()])),
    }));
    this.#start(
      new StatsLine({ clock, usage, counts, delayed: monitor?.delayed }),
      this.#runner({ isBystander: true }),
    );
  }

  #keeper(): DirectoryKeeper {
    const { workdir, clock, tenure, lost } = this.#context;
    const followers = this.#loops.filter((loop) => loop.viewIsOurs !== undefined);
    const viewIsOurs = followers.length === 0 ? undefined : () => followers.every((loop) => loop.viewIsOurs);
    const note = (standby: string | undefined) => tenure.note(standby);
    const trouble = () => tenure.trouble;
    return new DirectoryKeeper({ workdir, clock }, {
      watchers: this.#options.watchers,
      viewIsOurs,
      lost,
      note,
      trouble,
    });
  }

  /** Lets calls under way end, and ends them when their time is over: what they were to do is done after the next start. */
  async #drain(drainMs: number): Promise<void> {
    const drained = Promise.all(this.#loops.map((loop) => loop.drained?.()));
    const timer = new AbortController();
    await Promise.race([drained, this.#context.clock.sleep(drainMs, timer.signal)]);
    timer.abort(NOT_NEEDED);
    this.#end.abort();
    await drained;
  }
}

async function once(loop: Loop, signal: AbortSignal): Promise<void> {
  const outcome = await loop.step(signal);
  if (outcome.kind === "failed") throw outcome.error;
}
