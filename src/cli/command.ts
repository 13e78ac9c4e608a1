import type { Command } from "commander";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { Files } from "../files.ts";
import type { Random } from "../random.ts";

/** The outside world, as every command is given it. */
export interface Cli {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/** One row of the table of commands: all that is known of a command before its own code is loaded. */
export interface CommandRow {
  name: string;
  /** What it is for, in the list of commands and in its own help. */
  summary: string;
  /**
   * What a signal to stop does: it ends the process at once; it lets the command finish what it is at, and a second one
   * ends the process; or it asks the command to come to its end, and later ones are ignored, for there is something to clear away.
   */
  signals: "end" | "drain, then end" | "drain";
  /** Of a verb alone: what its answer holds beside the message where it failed. */
  failed?: object;
  load: () => Promise<CommandBody>;
}

/** What a command is made of, beyond its row. */
export interface CommandBody {
  /** Adds its arguments and options, and the commands below it; these share `run`. */
  declare(command: Command, environment: Environment): void;
  run(call: Call): Promise<void>;
}

/** What a command is called with. */
export interface Call {
  cli: Cli;
  row: CommandRow;
  /** Itself or one below it, with the arguments and options that were given. */
  command: Command;
  /** Aborts at the first signal to stop, unless signals end the process. */
  stopping: AbortSignal;
}

/** The words by which a command is called. */
export function commandPath(command: Command): string {
  const { parent } = command;
  return parent ? `${commandPath(parent)} ${command.name()}` : command.name();
}
