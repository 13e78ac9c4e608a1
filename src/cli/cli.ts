import type { Clock } from "../clock.ts";
import { type Config, type Environment, loadConfig } from "../config.ts";
import type { Files } from "../files.ts";
import { startLogging } from "../log.ts";
import type { Random } from "../random.ts";
import type { Call } from "./command.ts";
import { writeError } from "./output.ts";

/** The outside world, as every command is given it. */
export interface Cli {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/** Settles the configuration from the options of a command and of the program above it, and starts logging. */
export function configure(
  { cli: { environment, files, clock }, options }: Call,
  { defaultLogLevel }: { defaultLogLevel: "info" | "warning" },
): Config {
  const config = loadConfig(options, environment);
  const { logFile, logLevel } = config;
  const level = logLevel ?? (logFile === undefined ? defaultLogLevel : "info");
  startLogging({ level, file: logFile, files, writeError, clock });
  return config;
}
