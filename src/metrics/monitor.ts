import { type Clock, epochSeconds } from "../clock.ts";
import type { Caller } from "../extensions/pre_create.ts";
import type { Kube } from "../kube/kube.ts";
import type { ReflectorSink } from "../kube/reflector.ts";
import type { Node, ObjectMeta, Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";
import { commit, version } from "../version.ts";
import type { Backlog, Loop } from "../watchers/loop.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { FOLLOWERS, type MetricName, METRICS, OBJECT_METRICS, type ObjectMetricName, QUEUES } from "./declared.ts";
import { DiskUsage, type MeasureDisk } from "./disk_usage.ts";
import { besides, type Onlooker } from "./follow.ts";
import { Health } from "./health.ts";
import { History, type MachinesSample } from "./history.ts";
import { MachineTally } from "./machine_tally.ts";
import { Meters } from "./meters.ts";
import { nodeFacts, podFacts } from "./object_facts.ts";
import { ObjectSeries } from "./object_series.ts";
import { observedHooks } from "./observed_hooks.ts";
import { observedKube } from "./observed_kube.ts";
import { Page } from "./page.ts";
import { SiteMetrics } from "./site_metrics.ts";
import { StageTimes } from "./stages.ts";

/** The keys of `Loop.counts`, and the metrics that show them: from the start, and as 0 where a loop leaves a count out. */
const COUNTS: Readonly<Record<string, MetricName>> = {
  pods: "hostfactory_pods_followed",
  setAside: "hostfactory_quarantined_entries",
  heldDeletions: "hostfactory_held_deletions",
  spooledBatches: "hostfactory_spooled_batches",
  droppedBatches: "hostfactory_dropped_batches",
  extensionsLeftAlone: "hostfactory_extensions_left_alone",
  untoldMachines: "hostfactory_extensions_untold_machines",
  droppedMachines: "hostfactory_extensions_dropped_machines",
};

type Follower = typeof FOLLOWERS[number];

/** Outcomes of calls that are no failures: the API server answered what is so. */
const ANSWERS: ReadonlySet<string> = new Set(["ok", "notFound", "alreadyExists", "conflict"]);

/** How calls of one kind ended since the process began. */
export interface CallTotals {
  /** Includes calls that were answered by `notFound`, `alreadyExists` or `conflict`. */
  ok: number;
  /** Without calls that we aborted ourselves. */
  failed: number;
  /** How many calls were timed, and how long they took together: watches are not timed. */
  timed: number;
  seconds: number;
}

export interface MonitorOptions {
  clock: Clock;
  /** Bytes of memory that the process holds. */
  usage: () => { rss: number; heapUsed: number };
  /** How many pods, and how many nodes, have series of their own; 0: none. */
  mostObjects: number;
  /** How long a value of a site's metric event is shown, in seconds. */
  siteTtlSeconds: number;
  measureDisk: MeasureDisk;
}

/** The present counts and backlogs of all loops: see `Loop.counts` and `Loop.backlog`. */
export interface Told {
  counts: Readonly<Record<string, number | undefined>>;
  backlogs: Readonly<Record<string, Backlog | undefined>>;
}

/** Measures what a `serve` does, and answers how it is. It changes nothing. */
export class Monitor {
  readonly health: Health;
  readonly history = new History();
  readonly #options: MonitorOptions;
  readonly #meters = new Meters();
  readonly #beganAt: number;
  readonly #pods: ObjectSeries<Pod>;
  readonly #nodes: ObjectSeries<Node>;
  /** When the API server was last heard on each followed resource, on the monotonic clock. */
  readonly #heardMs = new Map<Follower, number>();
  readonly #calls = new Map<string, CallTotals>();
  #machines: MachinesSample["counts"] = {};
  readonly #site: SiteMetrics;
  #loops: Loop[] | undefined;
  #told: () => Told = () => ({ counts: {}, backlogs: {} });
  /** Pages that are being made, by whether they are OpenMetrics: further requests for one share it. */
  readonly #pages = new Map<boolean, Promise<Uint8Array[]>>();

  constructor(options: MonitorOptions) {
    const { clock, mostObjects: most } = options;
    this.#options = options;
    this.health = new Health(clock);
    this.#beganAt = epochSeconds(clock.now());
    this.#pods = new ObjectSeries(podFacts, { most });
    this.#nodes = new ObjectSeries(nodeFacts, { most });
    const refused = (reason: string) => this.#meters.add("hostfactory_metric_events_refused_total", { reason });
    this.#site = new SiteMetrics({ ttlSeconds: options.siteTtlSeconds, refused });
    this.#meters.set("hostfactory_build_info", 1, { version, commit });
    this.#meters.set("process_start_time_seconds", this.#beganAt);
  }

  /** Wraps a cluster, so that its calls are counted. */
  kube(kube: Kube): Kube {
    const { clock } = this.#options;
    return observedKube(kube, {
      clock,
      ended: ({ call, outcome, seconds }) => {
        this.#meters.add("hostfactory_api_calls_total", { call, outcome });
        this.#total(call, outcome, seconds);
        if (seconds !== undefined) this.#meters.observe("hostfactory_api_call_seconds", seconds, { call });
      },
    });
  }

  #total(call: string, outcome: string, seconds: number | undefined): void {
    const totals = this.#calls.get(call) ?? { ok: 0, failed: 0, timed: 0, seconds: 0 };
    this.#calls.set(call, totals);
    if (ANSWERS.has(outcome)) totals.ok++;
    else if (outcome !== "aborted") totals.failed++;
    if (seconds === undefined) return;
    totals.timed++;
    totals.seconds += seconds;
  }

  /** How the ended calls went, by their kind. */
  get calls(): ReadonlyMap<string, CallTotals> {
    return this.#calls;
  }

  /** How many seconds ago the API server was last heard on each followed resource; `undefined` before the first time. */
  get watchAges(): { resource: Follower; seconds: number | undefined }[] {
    return FOLLOWERS.map((resource) => {
      const heardMs = this.#heardMs.get(resource);
      const seconds = heardMs === undefined ? undefined : (this.#options.clock.monotonic() - heardMs) / 1_000;
      return { resource, seconds };
    });
  }

  /** The present counts and backlogs of the loops. */
  get told(): Told {
    return this.#told();
  }

  /** Wraps a caller of hooks, so that its calls are counted. */
  hooks(hooks: Caller): Caller {
    const { clock } = this.#options;
    return observedHooks(hooks, {
      clock,
      ended: ({ extension, hook, outcome, seconds }) => {
        this.#meters.add("hostfactory_extension_calls_total", { extension, hook, outcome });
        this.#meters.observe("hostfactory_extension_call_seconds", seconds, { hook });
      },
    });
  }

  /** Takes in events from the spool, for the site's own metrics among them. */
  readonly spooled = (events: readonly Readonly<Record<string, unknown>>[]): void =>
    this.#site.take(events, this.#options.clock.now() / 1_000);

  /** Wraps a reflector's sink, so that what it is told is counted. @param loop the loop's name; @param instance our own */
  follow<T extends { metadata: ObjectMeta }>(loop: string, sink: ReflectorSink<T>, instance: string): ReflectorSink<T> {
    const resource = FOLLOWERS.find((one) => one === loop);
    if (resource === undefined) return sink;
    return besides(sink, this.#onlooker(resource, instance) as unknown as Onlooker<T>);
  }

  #onlooker(resource: Follower, instance: string): Onlooker<Pod & Node> {
    const series = (resource === "pods" ? this.#pods : resource === "nodes" ? this.#nodes : undefined) as
      | ObjectSeries<Pod & Node>
      | undefined;
    const stages = new StageTimes(
      (stage, seconds) => {
        this.#meters.observe("hostfactory_request_to_stage_seconds", seconds, { stage });
        if (stage === "running") this.history.started(seconds, epochSeconds(this.#options.clock.now()));
      },
      { beganAt: this.#beganAt },
    );
    const isOurPod = ({ metadata }: Pod) => resource === "pods" && metadata.labels?.[PodLabel.instance] === instance;
    let listed = new Set<string>();
    return {
      begin: () => {
        listed = new Set();
        series?.begin();
      },
      page: (objects) => {
        for (const object of objects) {
          listed.add(object.metadata.uid ?? "");
          series?.listed(object);
          if (isOurPod(object)) stages.saw(object);
        }
      },
      complete: () => {
        this.#meters.add("hostfactory_watch_lists_total", { resource });
        stages.retain(listed);
        series?.complete(this.#now());
      },
      event: (type, object) => {
        if (type === "DELETED") series?.gone(object, this.#now());
        else series?.saw(object);
        if (type === "DELETED") stages.gone(object);
        else if (isOurPod(object)) stages.saw(object);
      },
      heard: () => this.#heardMs.set(resource, this.#options.clock.monotonic()),
      failed: () => this.#meters.add("hostfactory_watch_failures_total", { resource }),
    };
  }

  /** Takes in when steps of the loops begin and end. */
  readonly steps = {
    began: (loop: string): void => this.health.stepBegan(loop),
    ended: (loop: string, { outcome, ms }: { outcome: "done" | "again" | "failed"; ms: number }): void => {
      this.health.stepEnded(loop);
      this.#meters.add("hostfactory_loop_steps_total", { loop, outcome });
      this.#meters.observe("hostfactory_loop_step_seconds", ms / 1_000, { loop });
    },
  };

  /** Takes in how late the event loop was, in milliseconds. */
  readonly delayed = (ms: number): void => this.#meters.observe("hostfactory_event_loop_delay_seconds", ms / 1_000);

  /** The loops that measure the work directory. They stay the same, however often the process becomes the owner. */
  loops(workdir: Workdir): readonly Loop[] {
    const { clock, measureDisk: measure } = this.#options;
    const tell = (part: string, bytes: number) => this.#meters.set("hostfactory_workdir_bytes", bytes, { part });
    return this.#loops ??= [this.#tally(workdir), new DiskUsage(workdir, { clock, measure, tell })];
  }

  #tally(workdir: Workdir): MachineTally {
    return new MachineTally(workdir, {
      clock: this.#options.clock,
      beganAt: this.#beganAt,
      sink: {
        requested: (template_id, machines) => this.#meters.add("machines_requested_total", { template_id }, machines),
        returned: (machines) => this.#meters.add("machines_returned_total", {}, machines),
        failed: (reason) => this.#meters.add("hostfactory_machine_failures_total", { reason }),
        machines: (template_id, state, count) => {
          this.#meters.set("hostfactory_machines", count, { template_id, state });
          this.#machines[state] = (this.#machines[state] ?? 0) + count;
        },
        requests: (kind, { open, finished }) => {
          this.#meters.set("hostfactory_requests", open, { kind, status: "open" });
          this.#meters.set("hostfactory_requests", finished, { kind, status: "finished" });
          if (kind === "return") this.#sample();
        },
      },
    });
  }

  /** Takes a sample for the graphs. Called when all machines of a look were counted. */
  #sample(): void {
    this.history.sample(this.#machines, epochSeconds(this.#options.clock.now()));
    this.#machines = {};
  }

  /** Sets where counts and backlogs of the loops are read from. */
  askLoops(told: () => Told): void {
    this.#told = told;
  }

  /** A page with all metrics, in pieces. It is made in turns, so that the rest of the process goes on in between. */
  page({ isOpenMetrics }: { isOpenMetrics: boolean }): Promise<readonly Uint8Array[]> {
    const page = this.#pages.get(isOpenMetrics) ??
      this.#make(isOpenMetrics).finally(() => this.#pages.delete(isOpenMetrics));
    this.#pages.set(isOpenMetrics, page);
    return page;
  }

  async #make(isOpenMetrics: boolean): Promise<Uint8Array[]> {
    const { clock } = this.#options;
    const page = new Page(clock);
    this.#measure();
    for (const name of Object.keys(METRICS) as MetricName[]) {
      await page.add([await this.#meters.text(name, { isOpenMetrics })]);
    }
    for (const name of Object.keys(OBJECT_METRICS) as ObjectMetricName[]) {
      const series = name.startsWith("pod_") ? this.#pods : this.#nodes;
      await page.add(series.lines(name, clock.monotonic()));
    }
    await page.add(this.#site.lines(clock.now() / 1_000, { isOpenMetrics }));
    if (isOpenMetrics) await page.add(["# EOF\n"]);
    return page.end();
  }

  /** Sets the gauges that are read when a page is made, and not counted as things happen. */
  #measure(): void {
    const { usage } = this.#options;
    const { rss, heapUsed } = usage();
    const { isOwner, hasTrouble, isFresh } = this.health;
    const { counts, backlogs } = this.#told();
    for (const [key, name] of Object.entries(COUNTS)) this.#meters.set(name, counts[key] ?? 0);
    for (const loop of QUEUES) {
      this.#meters.set("hostfactory_queue_depth", backlogs[loop]?.all ?? 0, { loop });
      this.#meters.set("hostfactory_queue_retries", backlogs[loop]?.failed ?? 0, { loop });
    }
    for (const { resource, seconds = -1 } of this.watchAges) {
      this.#meters.set("hostfactory_watch_age_seconds", seconds, { resource });
    }
    this.#meters.set("process_resident_memory_bytes", rss);
    this.#meters.set("hostfactory_heap_bytes", heapUsed);
    this.#meters.set("hostfactory_owner", Number(isOwner));
    this.#meters.set("hostfactory_lease_trouble", Number(hasTrouble));
    this.#meters.set("hostfactory_view_fresh", Number(isFresh));
    this.#meters.set("hostfactory_series_left_out", this.#pods.leftOut, { of: "pods" });
    this.#meters.set("hostfactory_series_left_out", this.#nodes.leftOut, { of: "nodes" });
  }

  #now(): { ms: number; time: string } {
    const { clock } = this.#options;
    return { ms: clock.monotonic(), time: new Date(clock.now()).toISOString() };
  }
}
