import { configure, sharedOption } from "./cli.ts";
import { type CommandBody, commandPath } from "./command.ts";
import { writeJson } from "./output.ts";

interface Options {
  dryRun?: boolean;
  takeOver?: boolean;
}

export const rebuild: CommandBody = {
  declare(command) {
    command
      .addOption(sharedOption.kubeconfig())
      .addOption(sharedOption.namespace())
      .addOption(sharedOption.acceptCluster())
      .addOption(sharedOption.acceptInstance())
      .option("--dry-run", "say what is missing, and change nothing")
      .option("--take-over", "pods that other work directories of this instance made become this one's");
  },
  async run(call) {
    const { dryRun = false, takeOver = false } = call.command.opts<Options>();
    const config = configure(call, { defaultLogLevel: "warning" });
    const { runRebuild } = await import("../serve/daemon.ts");
    const options = { dryRun, takeOver, command: commandPath(call.command), signal: call.stopping };
    await writeJson(await runRebuild(call.cli, config, options), { indent: 2 });
  },
};
