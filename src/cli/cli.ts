import type { Command } from "commander";
import type { Clock } from "../clock.ts";
import { type Config, type Environment, type GlobalOptions, loadConfig } from "../config.ts";
import type { ExitCode } from "../errors.ts";
import type { Files } from "../files.ts";
import { startLogging } from "../log.ts";
import type { Random } from "../random.ts";
import { writeError } from "./output.ts";

/** What a command is given: the outside world, and where to leave its exit status. */
export interface Cli {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
  exitCode: ExitCode;
}

/** Settles the configuration from the options of a command and of the program above it, and starts logging. */
export function configure(cli: Cli, command: Command, options: { defaultLogLevel: "info" | "warning" }): Config {
  const config = loadConfig(command.optsWithGlobals<GlobalOptions>(), cli.environment);
  const { logFile, logLevel } = config;
  const level = logLevel ?? (logFile === undefined ? options.defaultLogLevel : "info");
  startLogging({ level, file: logFile, files: cli.files, writeError });
  return config;
}

/** Reads an option's value as a whole number. @throws the error that commander turns into a usage message */
export function wholeNumber(invalid: (message: string) => Error, range: { least: number; most?: number }) {
  return (text: string): number => {
    const value = Number(text);
    const { least, most = Number.MAX_SAFE_INTEGER } = range;
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw invalid(`It must be a whole number from ${least}${range.most === undefined ? "" : ` to ${most}`}.`);
  };
}
