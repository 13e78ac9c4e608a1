import { Command } from "commander";
import { type Cli, sharedOption } from "./cli.ts";
import { watchUntilStopped } from "./daemon.ts";

interface Options {
  podTimeout: number;
  imagePullGrace: number;
  runOnce?: boolean;
  dryRun?: boolean;
}

export function runCronCommand(cli: Cli): Command {
  return new Command("run-cron")
    .description("Give up on pods that are pending too long, and delete those that ended, as serve does by itself")
    .addOption(sharedOption.kubeconfig())
    .addOption(sharedOption.namespace())
    .addOption(sharedOption.acceptCluster())
    .addOption(sharedOption.acceptInstance())
    .addOption(sharedOption.podTimeout())
    .addOption(sharedOption.imagePullGrace())
    .option("--run-once", "one pass, then exit")
    .option("--dry-run", "log what would be deleted, and delete nothing")
    .action(async (options: Options, command: Command) => {
      await watchUntilStopped(cli, command, {
        watchers: ["expiry"],
        concurrency: 32,
        podTimeoutSeconds: options.podTimeout,
        imagePullGraceSeconds: options.imagePullGrace,
        watchTimeoutSeconds: 60,
        dryRun: options.dryRun ?? false,
        runOnce: options.runOnce ?? false,
      });
    });
}
