import type { Clock } from "../clock.ts";
import type { Config, Environment } from "../config.ts";
import type { Files } from "../files.ts";
import { connectKube } from "../kube/connect.ts";
import type { Random } from "../random.ts";
import { systemLocks } from "../workdir/lock.ts";
import { Workdir } from "../workdir/workdir.ts";
import { systemCollector } from "./memory.ts";
import { systemUsage } from "./pulse.ts";
import { serve, type ServeOptions } from "./serve.ts";

/** The outside world that a daemon lives in. */
export interface World {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/**
 * Runs watchers as the configuration says, over real files and a real network, until `stopping` aborts. That the cluster
 * is away, or that the credentials are wrong, is retried and never ends it.
 * @param command what the process was started as, for whoever finds the work directory locked
 * @throws HostFactoryError with exit code 3 where another process watches the same
 */
export async function runDaemon(
  world: World,
  config: Config,
  options: Omit<ServeOptions, "instance"> & { command: string; stopping: AbortSignal },
): Promise<void> {
  const { proxy, namespace, kubeconfig, instance } = config;
  const kube = connectKube({
    ...world,
    ...(proxy === undefined ? {} : { proxy }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  const holder = {
    host: Deno.hostname(),
    pid: Deno.pid,
    command: options.command,
    since: new Date(world.clock.now()).toISOString(),
  };
  const workdir = new Workdir(config.workdir, world);
  const machine = { locks: systemLocks, holder, collect: systemCollector, usage: systemUsage };
  await serve({ ...world, workdir, kube, ...machine }, { ...options, instance }, options.stopping);
}
