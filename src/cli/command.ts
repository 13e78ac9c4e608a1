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
  /** Its description in the list of commands and in its own help. */
  summary: string;
  /**
   * What SIGTERM and SIGINT do. `end`: they end the process at once. `drain, then end`: the first aborts
   * `Call.stopping`, so that the command can finish what it is doing; the second ends the process. `drain`: later
   * signals are ignored, because the command has to clean up.
   */
  signals: "end" | "drain, then end" | "drain";
  /** Only for verbs: the keys of its answer beside the message if it failed. */
  failed?: object;
  load: () => CommandBody | Promise<CommandBody>;
}

/** The code of a command, which is loaded when it is called. */
export interface CommandBody {
  /** Adds its arguments, its options and the commands below it, which share `run`. */
  declare(command: Command, environment: Environment): void;
  /** Runs it. @returns the exit status if that is not 0; then the command has printed why */
  run(call: Call): Promise<ExitCode | void>;
}

/** A command line that was understood. */
export interface CommandLine<Options extends object = object> {
  row: CommandRow;
  /** The words by which it is called, after the program's name: `["watch", "pods"]`. */
  path: readonly string[];
  /** Its arguments: what follows these words and belongs to no option. */
  args: readonly string[];
  /** Its own options and those of the program, by their names in camel case. */
  options: Options & GlobalOptions;
}

/** What a command is run with. */
export interface Call<Options extends object = object> extends CommandLine<Options> {
  cli: Cli;
  /** Aborts at the first SIGTERM or SIGINT, unless the row's `signals` is `end`. */
  stopping: AbortSignal;
  /** How many times SIGHUP has been received. */
  hangUps: () => number;
}

/** The command by its words: `hostfactory watch pods`. */
export function commandText({ path }: CommandLine): string {
  return ["hostfactory", ...path].join(" ");
}
