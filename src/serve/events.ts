import type { Clock } from "../clock.ts";
import type { Config, Environment } from "../config.ts";
import { isOurDatabase, openEventStore } from "../events/database.ts";
import { copyEvents } from "../events/database_copy.ts";
import type { Files } from "../files.ts";
import type { Monitor } from "../metrics/monitor.ts";
import type { MonitoringOptions } from "../metrics/open.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { version } from "../version.ts";
import type { Loop } from "../watchers/loop.ts";
import { type EventsOptions, EventsWatcher } from "../watchers/events/watcher.ts";
import { RequestIoWatcher } from "../watchers/request_io/watcher.ts";
import { eventsDatabase } from "../workdir/events.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { LoopRunner } from "./loop_runner.ts";
import { openMonitoring } from "./monitoring.ts";

/** Where events are stored, as the command line says it. */
export interface Storage {
  /** Default: `events.db` in the work directory. */
  dbfile?: string;
  /** Without whole objects. */
  skipEvents: boolean;
  /** How long what is stored is kept, in seconds, and how much of it, in MiB; absent: see `storageOf`. */
  retainEvents?: number | undefined;
  retainEventsSize?: number | undefined;
  /** On SIGHUP a new database is begun. */
  rotateEvents: boolean;
  /** How often SIGHUP has come. */
  hangUps: () => number;
}

const log = logger("events");

/** How long, and how much in MiB, is kept of a database that we began, unless the command line says otherwise. */
const RETAIN_SECONDS = 90 * 86_400;
const RETAIN_MB = 1_024;
const MB = 2 ** 20;

/**
 * How a watcher stores events. Of a database that the legacy plug-in began, all is kept that the command line does not limit.
 * @param monitor shows the metrics that are among them
 */
export function storageOf(
  config: Pick<Config, "workdir">,
  { dbfile, skipEvents, retainEvents, retainEventsSize, rotateEvents, hangUps }: Storage,
  monitor?: Pick<Monitor, "spooled">,
): EventsOptions {
  return {
    dbfile: eventsDatabase(config, dbfile),
    skipEvents,
    open: openEventStore,
    copy: copyEvents,
    retention: {
      ours: { retainSeconds: retainEvents ?? RETAIN_SECONDS, mostBytes: (retainEventsSize ?? RETAIN_MB) * MB },
      others: { retainSeconds: retainEvents ?? Infinity, mostBytes: (retainEventsSize ?? Infinity) * MB },
      isOurs: isOurDatabase,
    },
    ...(rotateEvents ? { rotations: hangUps } : {}),
    ...(monitor ? { saw: monitor.spooled } : {}),
  };
}

/**
 * Stores the events of the spool until `stopping` aborts. It needs no cluster, and may run beside `serve`, which does the
 * same: of an event that two of them store there is one. Metrics are served of what it needs no cluster to know.
 * @param options `show`: see `EventsOptions`
 * @throws HostFactoryError if the work directory cannot be used
 */
export async function watchEvents(
  { environment, files, clock, random }: { environment: Environment; files: Files; clock: Clock; random: Random },
  config: Config,
  { stopping, monitoring, show, ...storage }:
    & Storage
    & Required<Pick<EventsOptions, "show">>
    & { monitoring: MonitoringOptions; stopping: AbortSignal },
): Promise<void> {
  const workdir = new Workdir(config.workdir, { files, random, isShared: config.sharedWorkdir });
  await workdir.prepare();
  const { monitor, end } = await openMonitoring({ environment, clock }, { ...monitoring, stopping });
  const options = storageOf(config, storage, monitor);
  log.info("Storing events", { version, workdir: workdir.layout.root, dbfile: options.dbfile });
  const watcher = new EventsWatcher({ workdir, clock }, { ...options, show });
  const owned = { isOwner: false, standby: "it stores events, and nothing else" };
  monitor.health.judgeBy({ tenure: () => owned, doubt: () => undefined });
  monitor.askLoops(() => ({ counts: { ...watcher.counts }, backlogs: {} }));
  const run = (loop: Loop) =>
    new LoopRunner({ clock, random, periodMs: Infinity, observer: monitor.steps }).run(loop, stopping);
  await Promise.all([watcher, ...monitor.loops(workdir)].map(run));
  await watcher.drained();
  await end();
  log.info("Stopped");
}

/**
 * Records what lies in `requests-io/` until `stopping` aborts. It needs no cluster, and may run beside `serve`.
 * @throws HostFactoryError if the work directory cannot be used
 */
export async function watchRequestIo(
  { files, clock, random }: { files: Files; clock: Clock; random: Random },
  config: Config,
  { stopping }: { stopping: AbortSignal },
): Promise<void> {
  const workdir = new Workdir(config.workdir, { files, random, isShared: config.sharedWorkdir });
  await workdir.prepare();
  workdir.makeDirectory(workdir.layout.requestsIo);
  log.info("Recording what lies in requests-io", { version, workdir: workdir.layout.root });
  const watcher = new RequestIoWatcher({ workdir, clock });
  await new LoopRunner({ clock, random, periodMs: Infinity }).run(watcher, stopping);
  log.info("Stopped");
}
