import type { DaemonOptions } from "../serve/daemon.ts";
import { configure } from "./cli.ts";
import { type Call, commandText } from "./command.ts";

/** Runs watchers for a command until it is told to stop, or something ends them. */
export async function runWatchers(call: Call, options: Omit<DaemonOptions, "command" | "stopping">): Promise<void> {
  const config = configure(call, { defaultLogLevel: "info" });
  const { runDaemon } = await import("../serve/daemon.ts");
  const command = commandText(call);
  await runDaemon(call.cli, config, { ...options, command, stopping: call.stopping });
}
