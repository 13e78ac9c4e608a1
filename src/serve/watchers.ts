import type { Kube, Source } from "../kube/kube.ts";
import type { ReflectorOptions, ReflectorSink } from "../kube/reflector.ts";
import type { ExtensionResource, KubeEvent, Node, ObjectMeta, Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";
import type { Dependencies } from "../watchers/dependencies.ts";
import type { RetentionLimits } from "../watchers/gc/retention_policy.ts";
import { type EventsOptions, EventsWatcher } from "../watchers/events/watcher.ts";
import { ExtensionsWatcher } from "../watchers/extensions/watcher.ts";
import { TemporaryFilesWatcher } from "../watchers/gc/temporary_files.ts";
import { RetentionWatcher } from "../watchers/gc/watcher.ts";
import { KubeEventsWatcher } from "../watchers/kube_events/watcher.ts";
import type { Loop } from "../watchers/loop.ts";
import { NodesWatcher } from "../watchers/nodes/watcher.ts";
import { NotifyWatcher } from "../watchers/notify/watcher.ts";
import { PodsWatcher } from "../watchers/pods/watcher.ts";
import { QuarantineWatcher } from "../watchers/quarantine/watcher.ts";
import { RequestIoWatcher } from "../watchers/request_io/watcher.ts";
import { RequestMachinesWatcher } from "../watchers/requests/watcher.ts";
import { ReturnAnnotationWatcher } from "../watchers/returns/return_annotation_watcher.ts";
import { RequestReturnMachinesWatcher } from "../watchers/returns/watcher.ts";
import { TimeoutsWatcher } from "../watchers/timeouts/watcher.ts";
import type { Layout } from "../workdir/store/layout.ts";
import { type WatcherName, WATCHERS } from "./watcher_names.ts";

/** What the watchers are told to do, beside which of them are to run. */
export interface WatcherOptions {
  watchers: readonly WatcherName[];
  /** How long a machine may take to come up: see `Limits` in `machine/waiting.ts`. */
  podTimeoutSeconds: number;
  imagePullGraceSeconds: number;
  /** What is kept of finished requests. Absent: nothing is removed. */
  retention?: RetentionLimits;
  /** Where events are stored. Absent: they are left in the spool. */
  storage?: EventsOptions;
  /** What the cluster says of pods and nodes is recorded, too. */
  kubeEvents?: boolean;
  /** What lies in `requests-io/` is recorded, too. */
  requestIoEvents?: boolean;
  /** Only `expiry` knows it: log what would be deleted, and delete nothing. */
  dryRun?: boolean;
}

/** What a loop is made from. */
export interface LoopContext {
  dependencies: Dependencies;
  options: WatcherOptions;
  /** Makes the loop take a step soon. */
  wake: () => void;
  /** Tells every other loop of this process which machines were written down: see `Loop.changed`. */
  changed: (machines: string[]) => void;
}

/** One line of the table: a loop, and when it runs. */
export interface LoopEntry {
  /** The watcher that it is a part of, with which it runs; absent: it runs with each that may change the work directory. */
  partOf?: WatcherName;
  /** @returns `undefined` if the options leave it out */
  make: (context: LoopContext) => Loop | undefined;
  /** How long it may sleep, in milliseconds: what it waits for may come without a notice. Default: for as long as it asks for. */
  periodMs?: number;
  /** The directories in which a change wakes it. */
  wokenBy?: (layout: Layout, options: WatcherOptions) => string[];
  /** What it keeps up with: begins to list and watch, into that loop, and goes on until `signal` aborts. */
  follow?: (loop: Loop, kube: Kube, reflect: Reflect) => Promise<void>;
}

/** `reflect` of `kube/reflector.ts`, as far as its options are everybody's. */
export type Reflect = <T extends { metadata: ObjectMeta }>(
  source: Source<T>,
  sink: ReflectorSink<T>,
  options: Partial<ReflectorOptions>,
) => Promise<void>;

/** How often, in milliseconds, directories are looked at that no notice came for: network file systems give none. */
const SCAN_EVERY_MS = 1_000;

/** How often, in milliseconds, following the nodes is tried if that is not granted: sites may do without. */
const NODES_REFUSED_MS = 10 * 60_000;

/** How often, in milliseconds, registrations of extensions are looked for in a cluster that has none, or does not show them. */
const EXTENSIONS_ABSENT_MS = 10 * 60_000;

/** How often, in milliseconds, following Kubernetes events is tried if that is not granted. */
export const KUBE_EVENTS_REFUSED_MS = 10 * 60_000;

/** Nodes in a page: each is much longer than a pod. */
const NODES_IN_PAGE = 100;

/** Every loop of the watchers, in the order in which they start. */
export const LOOPS: readonly LoopEntry[] = [
  {
    partOf: "request-machines",
    make: ({ dependencies, wake }) => new ExtensionsWatcher(dependencies, wake),
    follow: (loop, kube, reflect) =>
      reflect(
        { list: kube.listExtensions.bind(kube), watch: kube.watchExtensions.bind(kube) },
        loop as ExtensionsWatcher satisfies ReflectorSink<ExtensionResource>,
        { absentMs: EXTENSIONS_ABSENT_MS },
      ),
  },
  {
    partOf: "request-machines",
    make: ({ dependencies, wake }) => new RequestMachinesWatcher(dependencies, wake),
    periodMs: SCAN_EVERY_MS,
    wokenBy: ({ requests, returnRequests }) => [requests, returnRequests],
  },
  {
    partOf: "request-return-machines",
    make: ({ dependencies, wake }) => new RequestReturnMachinesWatcher(dependencies, wake),
    periodMs: SCAN_EVERY_MS,
    // In one process the loop that follows the pods tells it.
    wokenBy: ({ returnRequests, podsStatus }, { watchers }) =>
      watchers.includes("pods") ? [returnRequests] : [returnRequests, podsStatus],
  },
  { partOf: "request-return-machines", make: ({ dependencies }) => new ReturnAnnotationWatcher(dependencies) },
  {
    partOf: "expiry",
    make: ({ dependencies, options, wake }) => new TimeoutsWatcher(dependencies, { ...options, wake }),
  },
  {
    partOf: "pods",
    make: ({ dependencies, options }) => {
      const { events, spools } = dependencies.workdir.layout;
      // What waits to be stored is bounded by who stores it, and counted.
      const others = options.storage ? spools.filter((spool) => spool !== events) : spools;
      return options.retention && new RetentionWatcher(dependencies, { ...options.retention, spools: others });
    },
  },
  {
    partOf: "pods",
    make: ({ dependencies, wake, changed }) => new PodsWatcher(dependencies, { wake, changed }),
    follow: (loop, kube, reflect) =>
      reflect(
        { list: kube.listPods.bind(kube), watch: kube.watchPods.bind(kube), reconnect: kube.reconnect.bind(kube) },
        loop as PodsWatcher satisfies ReflectorSink<Pod>,
        { labelSelector: PodLabel.request },
      ),
  },
  {
    // In `serve` alone: of several processes each would tell.
    partOf: "pods",
    make: ({ dependencies, options: { watchers }, wake }) =>
      WATCHERS.every((watcher) => watchers.includes(watcher)) ? new NotifyWatcher(dependencies, wake) : undefined,
  },
  {
    partOf: "nodes",
    make: ({ dependencies, wake }) => new NodesWatcher(dependencies, { wake }),
    follow: (loop, kube, reflect) =>
      reflect(
        { list: kube.listNodes.bind(kube), watch: kube.watchNodes.bind(kube) },
        loop as NodesWatcher satisfies ReflectorSink<Node>,
        { longestRefusalMs: NODES_REFUSED_MS, pageLimit: NODES_IN_PAGE },
      ),
  },
  {
    partOf: "pods",
    make: ({ dependencies, options }) => options.storage && new EventsWatcher(dependencies, options.storage),
  },
  kubeEvents("Pod"),
  kubeEvents("Node"),
  {
    partOf: "pods",
    make: ({ dependencies, options }) => options.requestIoEvents ? new RequestIoWatcher(dependencies) : undefined,
  },
  { make: ({ dependencies }) => new QuarantineWatcher(dependencies) },
  { make: ({ dependencies }) => new TemporaryFilesWatcher(dependencies) },
];

function kubeEvents(about: "Pod" | "Node"): LoopEntry {
  return {
    partOf: "pods",
    make: ({ dependencies, options }) =>
      options.kubeEvents ? new KubeEventsWatcher(dependencies, { about }) : undefined,
    follow: (loop, kube, reflect) =>
      reflect(kube.events(about), loop as KubeEventsWatcher satisfies ReflectorSink<KubeEvent>, {
        absentMs: KUBE_EVENTS_REFUSED_MS,
      }),
  };
}
