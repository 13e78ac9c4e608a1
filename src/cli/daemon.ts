import type { DaemonOptions } from "../serve/daemon.ts";
import { configure } from "./cli.ts";
import { type Call, commandText } from "./command.ts";
import { writeOutput } from "./output.ts";
import type { EventOptions, PrometheusOptions } from "./options.ts";

/**
 * Runs watchers for a command until it is told to stop, or something ends them.
 * @param options `events`: they are stored
 */
export async function runWatchers(
  call: Call,
  { events, ...options }: Omit<DaemonOptions, "command" | "stopping" | "events"> & { events?: EventOptions },
): Promise<void> {
  const config = configure(call, { defaultLogLevel: "info" });
  const { runDaemon } = await import("../serve/daemon.ts");
  const command = commandText(call);
  const storage = events && { events: { ...events, hangUps: call.hangUps } };
  await runDaemon(call.cli, config, { ...options, ...storage, command, stopping: call.stopping });
}

/** Stores the events of the spool for a command until it is told to stop. */
export async function runEvents(call: Call, options: EventOptions & PrometheusOptions): Promise<void> {
  const config = configure(call, { defaultLogLevel: "info" });
  const { watchEvents } = await import("../serve/events.ts");
  const monitoring = {
    hostname: options.prometheusAddr,
    port: options.prometheusPort,
    siteTtlSeconds: options.prometheusTtl,
    mostObjects: 0,
  };
  const show = (line: string) => writeOutput(`${line}\n`);
  const { hangUps, stopping } = call;
  await watchEvents(call.cli, config, { ...options, show, hangUps, monitoring, stopping });
}

/** Records what the cluster says of pods and nodes for a command until it is told to stop. */
export async function runKubeEvents(call: Call, options: { watchTimeoutSeconds: number }): Promise<void> {
  const config = configure(call, { defaultLogLevel: "info" });
  const { watchKubeEvents } = await import("../serve/kube_events.ts");
  await watchKubeEvents(call.cli, config, { ...options, stopping: call.stopping });
}

/** Records the files in `requests-io/` for a command until it is told to stop. */
export async function runRequestIo(call: Call): Promise<void> {
  const config = configure(call, { defaultLogLevel: "info" });
  const { watchRequestIo } = await import("../serve/events.ts");
  await watchRequestIo(call.cli, config, { stopping: call.stopping });
}
