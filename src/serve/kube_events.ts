import type { Config, Environment } from "../config.ts";
import type { Clock } from "../clock.ts";
import type { Files } from "../files.ts";
import { connectKube } from "../kube/connect.ts";
import { reflect } from "../kube/reflector.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { version } from "../version.ts";
import { KubeEventsWatcher } from "../watchers/kube_events/watcher.ts";
import { eventRecorder } from "../workdir/events.ts";
import { Workdir } from "../workdir/store/workdir.ts";
import { LoopRunner } from "./loop_runner.ts";
import { KUBE_EVENTS_REFUSED_MS } from "./watchers.ts";

const log = logger("kube-events");

/**
 * Records what the cluster says of pods and nodes until `stopping` aborts. It changes nothing in the cluster, and may run beside
 * `serve`, which does the same with `--kube-events`: what both record is stored once.
 * @throws HostFactoryError if the work directory cannot be used
 */
export async function watchKubeEvents(
  world: { environment: Environment; files: Files; clock: Clock; random: Random },
  config: Config,
  { watchTimeoutSeconds, stopping }: { watchTimeoutSeconds: number; stopping: AbortSignal },
): Promise<void> {
  const { files, clock, random } = world;
  const { proxy, namespace, kubeconfig, eventMetadata } = config;
  const workdir = new Workdir(config.workdir, { files, random, isShared: config.sharedWorkdir });
  await workdir.prepare();
  const kube = connectKube({ ...world, proxy, namespace, kubeconfig });
  const events = eventRecorder({ workdir, clock }, eventMetadata);
  log.info("Recording what the cluster says of pods and nodes", { version, workdir: workdir.layout.root });
  const options = { clock, random, signal: stopping, watchTimeoutSeconds, absentMs: KUBE_EVENTS_REFUSED_MS };
  await Promise.all((["Pod", "Node"] as const).map(async (about) => {
    const watcher = new KubeEventsWatcher({ workdir, clock, events }, { about });
    const following = reflect(kube.events(about), watcher, options);
    await new LoopRunner({ clock, random, periodMs: Infinity }).run(watcher, stopping);
    await following;
    await watcher.step(stopping);
  }));
  log.info("Stopped");
}
