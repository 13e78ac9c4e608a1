import type { Call, CommandBody } from "./command.ts";
import { runWatchers } from "./daemon.ts";
import { addClusterOptions, sharedOption } from "./options.ts";

interface Options {
  podTimeout: number;
  imagePullGrace: number;
  runOnce?: boolean;
  dryRun?: boolean;
}

export const runCron: CommandBody = {
  declare(command) {
    addClusterOptions(command)
      .addOption(sharedOption.podTimeout())
      .addOption(sharedOption.imagePullGrace())
      .option("--run-once", "one pass, then exit")
      .option("--dry-run", "log what would be deleted, and delete nothing");
  },
  async run(call: Call<Options>) {
    const { podTimeout, imagePullGrace, dryRun = false, runOnce = false } = call.options;
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
