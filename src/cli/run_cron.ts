import { sharedOption } from "./cli.ts";
import type { CommandBody } from "./command.ts";
import { runWatchers } from "./daemon.ts";

interface Options {
  podTimeout: number;
  imagePullGrace: number;
  runOnce?: boolean;
  dryRun?: boolean;
}

export const runCron: CommandBody = {
  declare(command) {
    command
      .addOption(sharedOption.kubeconfig())
      .addOption(sharedOption.namespace())
      .addOption(sharedOption.acceptCluster())
      .addOption(sharedOption.acceptInstance())
      .addOption(sharedOption.podTimeout())
      .addOption(sharedOption.imagePullGrace())
      .option("--run-once", "one pass, then exit")
      .option("--dry-run", "log what would be deleted, and delete nothing");
  },
  async run(call) {
    const { podTimeout, imagePullGrace, dryRun = false, runOnce = false } = call.command.opts<Options>();
    await runWatchers(call, {
      watchers: ["expiry"],
      concurrency: 32,
      podTimeoutSeconds: podTimeout,
      imagePullGraceSeconds: imagePullGrace,
      watchTimeoutSeconds: 60,
      dryRun,
      runOnce,
    });
  },
};
