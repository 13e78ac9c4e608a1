import { type Config, type Environment, loadConfig } from "../config.ts";
import type { Files } from "../files.ts";
import { startLogging } from "../log.ts";
import type { Call } from "./command.ts";
import { writeError } from "./output.ts";

/** Works out the configuration from the options of a command and of the program, and starts logging. */
export function configure(
  { cli: { environment, files, clock }, options }: Call,
  { defaultLogLevel }: { defaultLogLevel: "info" | "warning" },
): Config {
  const config = loadConfig(options, environment);
  const { logFile, logLevel, logFormat: format } = config;
  const level = logLevel ?? (logFile === undefined ? defaultLogLevel : "info");
  const hasPriorities = isJournal(environment, files);
  startLogging({ level, format, file: logFile, files, writeError, hasPriorities, clock });
  // Not for a verb: Symphony would read it at every call.
  if (logFile !== undefined && defaultLogLevel === "info") writeError(`hostfactory: the log goes to '${logFile}'`);
  return config;
}

/** True if standard error is what systemd has connected to its journal (source: systemd.exec(5), "JOURNAL_STREAM"). */
function isJournal(environment: Environment, files: Files): boolean {
  const [, inode] = environment["JOURNAL_STREAM"]?.split(":") ?? [];
  if (inode === undefined) return false;
  try {
    return files.info("/proc/self/fd/2", { followLinks: true }).inode === Number(inode);
  } catch {
    return false;
  }
}
