import type { Command } from "commander";
import type { ServeOptions } from "../serve/serve.ts";
import { type Cli, configure } from "./cli.ts";
import { stopSignals } from "./signals.ts";

/** Runs watchers for a command until the process is told to stop: the first signal lets it finish, the second does not. */
export async function watchUntilStopped(
  cli: Cli,
  command: Command,
  options: Omit<ServeOptions, "instance">,
): Promise<void> {
  using stop = stopSignals();
  const config = configure(cli, command, { defaultLogLevel: "info" });
  const { runDaemon } = await import("../serve/daemon.ts");
  const daemon = runDaemon(cli, config, {
    ...options,
    command: `hostfactory ${commandPath(command)}`,
    stopping: stop.first,
  });
  await Promise.race([daemon, stop.second]);
}

/** The words by which a command is called. */
export function commandPath(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${commandPath(parent)} ${command.name()}` : command.name();
}
