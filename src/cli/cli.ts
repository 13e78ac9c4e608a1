import { type Config, loadConfig } from "../config.ts";
import { startLogging } from "../log.ts";
import type { Call } from "./command.ts";
import { writeError } from "./output.ts";

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
