import type { Command } from "commander";
import type { ServeOptions } from "../serve/serve.ts";
import { Workdir } from "../workdir/workdir.ts";
import { type Cli, configure } from "./cli.ts";
import { stopSignals } from "./signals.ts";

/** Runs watchers for a command until the process is told to stop. The cluster may be away: that is retried, not fatal. */
export async function runDaemon(cli: Cli, command: Command, options: Omit<ServeOptions, "instance">): Promise<void> {
  const config = configure(cli, command, { defaultLogLevel: "info" });
  const workdir = new Workdir(config.workdir, cli);
  const [{ serve }, { connectKube }, { systemLocks }] = await Promise.all([
    import("../serve/serve.ts"),
    import("../kube/connect.ts"),
    import("../workdir/lock.ts"),
  ]);
  const { proxy, namespace, kubeconfig, instance } = config;
  const kube = connectKube({
    ...cli,
    ...(proxy === undefined ? {} : { proxy }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  const holder = {
    host: Deno.hostname(),
    pid: Deno.pid,
    command: `hostfactory ${commandPath(command)}`,
    since: new Date(cli.clock.now()).toISOString(),
  };
  using stop = stopSignals();
  const served = serve({ ...cli, workdir, kube, locks: systemLocks, holder }, { ...options, instance }, stop.first);
  await Promise.race([served, stop.second]);
}

function commandPath(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${commandPath(parent)} ${command.name()}` : command.name();
}
