import { Command } from "commander";
import { type Cli, configure, sharedOption } from "./cli.ts";
import { commandPath } from "./daemon.ts";
import { writeJson } from "./output.ts";
import { stopSignals } from "./signals.ts";

interface Options {
  dryRun?: boolean;
  takeOver?: boolean;
}

export function rebuildCommand(cli: Cli): Command {
  return new Command("rebuild")
    .description(
      "Put back what the work directory lacks of requests that the cluster has pods of, as serve does by itself",
    )
    .addOption(sharedOption.kubeconfig())
    .addOption(sharedOption.namespace())
    .addOption(sharedOption.acceptCluster())
    .addOption(sharedOption.acceptInstance())
    .option("--dry-run", "say what is missing, and change nothing")
    .option("--take-over", "pods that other work directories of this instance made become this one's")
    .action(async ({ dryRun = false, takeOver = false }: Options, command: Command) => {
      using stop = stopSignals();
      const config = configure(cli, command, { defaultLogLevel: "warning" });
      const { runRebuild } = await import("../serve/daemon.ts");
      const options = { dryRun, takeOver, command: `hostfactory ${commandPath(command)}`, signal: stop.first };
      const rebuilt = await Promise.race([runRebuild(cli, config, options), stop.second]);
      await writeJson(rebuilt, { indent: 2 });
    });
}
