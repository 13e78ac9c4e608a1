import type { Clock } from "../clock.ts";
import type { Config, Environment } from "../config.ts";
import type { Files } from "../files.ts";
import { connectKube } from "../kube/connect.ts";
import type { Random } from "../random.ts";
import type { LockHolder } from "../workdir/store/lock_holder.ts";
import { systemLocks } from "../workdir/store/lock.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { systemCollector } from "./memory.ts";
import { systemUsage } from "./stats_line.ts";
import { type Storage, storageOf } from "./events.ts";
import { openExtensions } from "./extensions.ts";
import { type HttpOptions, openHttp } from "./http.ts";
import { rebuild, type RebuildOptions, type Rebuilt } from "./rebuild.ts";
import { type Daemon, type Scope, serve, type ServeOptions } from "./serve.ts";

/** The outside world that a daemon lives in. */
export interface World {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/** What a daemon is told; `command`, `monitoring` and `events` as of `runDaemon`. */
export interface DaemonOptions extends Omit<ServeOptions, keyof Scope | "storage"> {
  command: string;
  stopping: AbortSignal;
  monitoring?: HttpOptions;
  events?: Storage | undefined;
}

/**
 * Runs watchers as the configuration says, over real files and a real network, until `stopping` aborts. That the cluster
 * is away, or that the credentials are wrong, is retried and never ends it.
 * @param options `command`: what the process was started as, for any process that finds the work directory locked;
 * `monitoring`: how metrics and health are told; absent: they are not; `events`: they are stored there
 * @throws HostFactoryError as `serve`
 */
export async function runDaemon(
  world: World,
  config: Config,
  options: DaemonOptions,
): Promise<void> {
  const { stopping, monitoring, events } = options;
  const { command, watchers, podTimeoutSeconds, imagePullGraceSeconds } = options;
  const limits = watchers.includes("expiry") ? { limits: { podTimeoutSeconds, imagePullGraceSeconds } } : {};
  const daemon = { ...openDaemon(world, config, { command, ...limits }), collect: systemCollector, usage: systemUsage };
  const extensions = openExtensions(daemon);
  const opened = monitoring && await openHttp({ ...daemon, ...world }, config, {
    ...monitoring,
    stopping,
    extensions,
    dbfile: events?.dbfile,
  });
  const watched = { monitor: opened?.monitor, changed: opened?.changed };
  const storage = events && { storage: storageOf(config, events, opened?.monitor) };
  try {
    await serve({ ...daemon, ...watched, extensions }, { ...options, ...scopeOf(config), ...storage }, stopping);
  } finally {
    await opened?.end();
  }
}

/**
 * Rebuilds the work directory that the configuration names from the cluster that it names: see `rebuild`.
 * @param options `command`: as above
 */
export async function runRebuild(
  world: World,
  config: Config,
  options: Omit<RebuildOptions, keyof Scope> & { command: string },
): Promise<Rebuilt> {
  return await rebuild(openDaemon(world, config, { command: options.command }), { ...options, ...scopeOf(config) });
}

function scopeOf({ instance, acceptCluster, acceptInstance }: Config): Scope {
  return { instance, acceptCluster, acceptInstance };
}

function openDaemon(world: World, config: Config, options: Pick<LockHolder, "command" | "limits">): Daemon {
  const { proxy, namespace, kubeconfig } = config;
  const connect: Daemon["connect"] = (guards) => connectKube({ ...world, ...guards, proxy, namespace, kubeconfig });
  const holder = {
    host: Deno.hostname(),
    pid: Deno.pid,
    ...options,
    since: new Date(world.clock.now()).toISOString(),
  };
  const workdir = new Workdir(config.workdir, { ...world, isShared: config.sharedWorkdir });
  const { confdir, eventMetadata } = config;
  return { ...world, workdir, confdir, eventMetadata, connect, locks: systemLocks, holder };
}
