import type { Command } from "commander";
import type { Clock } from "../clock.ts";
import type { Environment, GlobalOptions } from "../config.ts";
import type { ExitCode } from "../errors.ts";
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
  /** Of a verb alone: what its answer holds beside the message if it failed. */
  failed?: object;
  load: () => CommandBody | Promise<CommandBody>;
}

/** What a command is made of, beyond its row. */
export interface CommandBody {
  /** Adds its arguments and options, and the commands below it; these share `run`. */
  declare(command: Command, environment: Environment): void;
  /** @returns the exit status if it is not 0: the command has said why */
  run(call: Call): Promise<ExitCode | void>;
}

/** What was called on a command line that is right. */
export interface CommandLine<Options extends object = object> {
  row: CommandRow;
  /** The words by which it is called, after the program's name: `["watch", "pods"]`. */
  path: readonly string[];
  /** What follows these words and belongs to no option. */
  args: readonly string[];
  /** Its own options and those of the program, by their names in camel case. */
  options: Options & GlobalOptions;
}

/** What a command runs with. */
export interface Call<Options extends object = object> extends CommandLine<Options> {
  cli: Cli;
  /** Aborts at the first signal to stop, unless signals end the process. */
  stopping: AbortSignal;
  /** How often SIGHUP has come. */
  hangUps: () => number;
}

/** What the process was started as: `hostfactory watch pods`. */
export function commandText({ path }: CommandLine): string {
  return ["hostfactory", ...path].join(" ");
}
