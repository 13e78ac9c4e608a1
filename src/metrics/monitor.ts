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

/** What the loops tell of themselves (see `Loop.counts`), and as which metric. */
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

/** Outcomes of calls with which nothing is wrong. */
const ANSWERS: ReadonlySet<string> = new Set(["ok", "notFound", "alreadyExists", "conflict"]);

/** How calls of one kind ended since the process began. */
export interface CallTotals {
  /** Those too that were answered with what is so: that there is no such object, or that it has changed. */
  ok: number;
  /** Those that we ended ourselves are not counted. */
  failed: number;
  /** Of those whose time was taken. */
  timed: number;
  seconds: number;
}

export interface MonitorOptions {
  clock: Clock;
  /** Bytes of memory that the process holds. */
  usage: () => { rss: number; heapUsed: number };
  /** So many pods, and so many nodes, have series of their own; 0: none. */
  mostObjects: number;
  /** How long a number of a site's metric event is shown, in seconds. */
  siteTtlSeconds: number;
  measureDisk: MeasureDisk;
}

/** What the loops tell of themselves, by name: what `Loop.counts` and `Loop.backlog` say of each. */
export interface Told {
  counts: Readonly<Record<string, number | undefined>>;
  backlogs: Readonly<Record<string, Backlog | undefined>>;
}

/** Watches a `serve` from the side: what it does is measured here, and how it is, is asked here. It changes nothing. */
export class Monitor {
  readonly health: Health;
  readonly history = new History();
  readonly #options: MonitorOptions;
  readonly #meters = new Meters();
  readonly #beganAt: number;
  readonly #pods: ObjectSeries<Pod>;
  readonly #nodes: ObjectSeries<Node>;
  /** When the API server last spoke, by what is followed, on the monotonic clock. */
  readonly #heardMs = new Map<Follower, number>();
  readonly #calls = new Map<string, CallTotals>();
  #machines: MachinesSample["counts"] = {};
  readonly #site: SiteMetrics;
  #loops: Loop[] | undefined;
  #told: () => Told = () => ({ counts: {}, backlogs: {} });
  /** By whether it is OpenMetrics: who asks while a page is being made gets that one. */
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

  /** The same cluster, whose calls are counted. */
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

  /** By call, how those went that have ended. */
  get calls(): ReadonlyMap<string, CallTotals> {
    return this.#calls;
  }

  /** By what is followed, how many seconds ago the API server was last heard on it; nothing before it was. */
  get watchAges(): { resource: Follower; seconds: number | undefined }[] {
    return FOLLOWERS.map((resource) => {
      const heardMs = this.#heardMs.get(resource);
      const seconds = heardMs === undefined ? undefined : (this.#options.clock.monotonic() - heardMs) / 1_000;
      return { resource, seconds };
    });
  }

  /** What the loops tell of themselves now. */
  get told(): Told {
    return this.#told();
  }

  /** The same caller of hooks, whose calls are counted. */
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

  /** Takes in what is in the spool of events: a site's own metrics. */
  readonly spooled = (events: readonly Readonly<Record<string, unknown>>[]): void =>
    this.#site.take(events, this.#options.clock.now() / 1_000);

  /** The same sink, of which is counted what it hears. @param loop the name of the loop that it is; @param instance ours */
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

  /** To be told of the steps of all loops. */
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

  /** The loops that find out what is in the work directory: the same ones, however often the process becomes the owner. */
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

  /** All machines were told, and so all that there are of each state is known. */
  #sample(): void {
    this.history.sample(this.#machines, epochSeconds(this.#options.clock.now()));
    this.#machines = {};
  }

  /** From now on the loops tell this of themselves. */
  askLoops(told: () => Told): void {
    this.#told = told;
  }

  /** All metrics as a page, in pieces, made in turns between which everything else of the process goes on. */
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

  /** What is not counted as it happens. */
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
