import type { WatcherName } from "../serve/watcher_names.ts";
import type { Call, CommandBody } from "./command.ts";
import { runEvents, runKubeEvents, runRequestIo, runWatchers } from "./daemon.ts";
import {
  addClusterOptions,
  addEventOptions,
  addPlaceOptions,
  addPrometheusOptions,
  type EventOptions,
  type PrometheusOptions,
  sharedOption,
  watchTimeout,
} from "./options.ts";

/** The watchers that `watch` runs. */
type AloneName = Exclude<WatcherName, "expiry">;

/** What each watcher does, for a site that keeps a process for each; `expiry` alone is the command `run-cron`. */
const DESCRIPTIONS: Readonly<Record<AloneName, string>> = {
  "request-machines": "Create the pods of requested machines",
  "request-return-machines": "Delete the pods of returned machines",
  pods: "Follow the pods and write down their states; remove finished requests",
  nodes: "Follow the nodes and write down which ones are about to go",
};

interface Options {
  createConcurrency: number;
  serverTimeoutSeconds: number;
  retainRequests: number;
  retainMachines: number;
}

export const watch: CommandBody = {
  declare(command, environment) {
    for (const [name, description] of Object.entries(DESCRIPTIONS)) {
      const watcher = addClusterOptions(command.command(name).description(description))
        .addOption(sharedOption.concurrency())
        .addOption(sharedOption.serverTimeout(environment));
      if (name === "pods") watcher.addOption(sharedOption.retainRequests()).addOption(sharedOption.retainMachines());
    }
    addPlaceOptions(
      command.command("kube-events").description("Record what the cluster says of pods and nodes as events"),
    ).addOption(sharedOption.serverTimeout(environment));
    command.command("request-io-events").description("Record what wrappers of the provider scripts leave as events");
    const events = command.command("events").description("Store the events of the spool in the database");
    addPrometheusOptions(addEventOptions(events, environment), environment);
  },
  async run(call: Call<Options & EventOptions & PrometheusOptions>) {
    const name = call.path.at(-1);
    if (name === "request-io-events") return await runRequestIo(call);
    if (name === "events") return await runEvents(call, call.options);
    const options = call.options;
    const watchTimeoutSeconds = watchTimeout(options.serverTimeoutSeconds);
    if (name === "kube-events") return await runKubeEvents(call, { watchTimeoutSeconds });
    const { retainRequests: retainSeconds, retainMachines } = options;
    await runWatchers(call, {
      watchers: [name as AloneName],
      concurrency: options.createConcurrency,
      podTimeoutSeconds: 0,
      imagePullGraceSeconds: 0,
      watchTimeoutSeconds,
      ...(name === "pods" ? { retention: { retainSeconds, retainMachines } } : {}),
    });
  },
};
