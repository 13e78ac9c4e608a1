import { Command } from "commander";
import { type Cli, sharedOption, watchTimeout } from "./cli.ts";
import { watchUntilStopped } from "./daemon.ts";

interface Options {
  createConcurrency: number;
  podTimeout: number;
  imagePullGrace: number;
  retainRequests: number;
  retainMachines: number;
  serverTimeoutSeconds: number;
}

export function serveCommand(cli: Cli): Command {
  return new Command("serve")
    .description("Create, follow and delete the pods: every watcher in one process")
    .addOption(sharedOption.kubeconfig())
    .addOption(sharedOption.namespace())
    .addOption(sharedOption.acceptCluster())
    .addOption(sharedOption.acceptInstance())
    .addOption(sharedOption.concurrency())
    .addOption(sharedOption.podTimeout())
    .addOption(sharedOption.imagePullGrace())
    .addOption(sharedOption.retainRequests())
    .addOption(sharedOption.retainMachines())
    .addOption(sharedOption.serverTimeout(cli.environment))
    .action(async (options: Options, command: Command) => {
      await watchUntilStopped(cli, command, {
        watchers: ["request-machines", "request-return-machines", "pods", "nodes", "expiry"],
        concurrency: options.createConcurrency,
        podTimeoutSeconds: options.podTimeout,
        imagePullGraceSeconds: options.imagePullGrace,
        retention: { retainSeconds: options.retainRequests, retainMachines: options.retainMachines },
        watchTimeoutSeconds: watchTimeout(options.serverTimeoutSeconds),
      });
    });
}
