import { configure } from "./cli.ts";
import { type Call, type CommandBody, commandText } from "./command.ts";
import { addClusterOptions } from "./options.ts";
import { writeJson } from "./output.ts";

interface Options {
  dryRun?: boolean;
  takeOver?: boolean;
}

export const rebuild: CommandBody = {
  declare(command) {
    addClusterOptions(command)
      .option("--dry-run", "say what is missing, and change nothing")
      .option("--take-over", "pods that other work directories of this instance made become this one's");
  },
  async run(call: Call<Options>) {
    const { dryRun = false, takeOver = false } = call.options;
    const config = configure(call, { defaultLogLevel: "warning" });
    const { runRebuild } = await import("../serve/daemon.ts");
    const options = { dryRun, takeOver, command: commandText(call), signal: call.stopping };
    writeJson(await runRebuild(call.cli, config, options), { indent: 2 });
  },
};
