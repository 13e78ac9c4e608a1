import { type Clock, systemClock } from "./clock.ts";
import { LOG_LEVELS, type LogLevel } from "./config.ts";
import { type FileInfo, type Files, isNotFound } from "./files.ts";
import { plainLine } from "./plain_text.ts";

/** A log file is set aside as `<file>.1` once it is larger; one is kept. 64 MiB hold days of a busy grid. */
const LARGEST_LOG_FILE = 64 * 1024 * 1024;

/** How a process logs. */
export interface LogOptions {
  /** Records below this level are not written. */
  level: LogLevel;
  /** Absent: standard error. */
  file: string | undefined;
  files: Files;
  /** Writes a line, which comes without its newline, to standard error. */
  writeError: (line: string) => void;
  /** Says when a record was made; unless told otherwise, the clock of the machine we run on. */
  clock?: Pick<Clock, "now">;
}

/** Writes records of one part of the product, such as a watcher. Properties are shown as `key=value`. */
export interface Logger {
  debug(message: string, properties?: Properties): void;
  info(message: string, properties?: Properties): void;
  warn(message: string, properties?: Properties): void;
  error(message: string, properties?: Properties): void;
}

type Properties = Readonly<Record<string, unknown>>;

interface LogRecord {
  /** Milliseconds since the epoch. */
  timeMs: number;
  level: LogLevel;
  part: string;
  message: string;
  properties: Properties;
}

/** How this process logs; absent until logging is started. */
let log: { least: number; clock: Pick<Clock, "now">; write: (line: string) => void } | undefined;

/** A logger for one part of the product, which may be made before logging is started. */
export function logger(part: string): Logger {
  const at = (level: LogLevel) => (message: string, properties: Properties = {}) => {
    if (!log || LOG_LEVELS.indexOf(level) < log.least) return;
    log.write(format({ timeMs: log.clock.now(), level, part, message, properties }));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

/** Starts logging; before, and without it, nothing is logged. */
export function startLogging({ level, file, files, writeError, clock = systemClock }: LogOptions): void {
  const write = file === undefined ? writeError : fileWriter(file, { files, writeError });
  log = { least: LOG_LEVELS.indexOf(level), clock, write };
}

/** Appends to a file; if that fails, the line goes to standard error, so that a full disk does not hide what happens. */
function fileWriter(
  path: string,
  { files, writeError }: Pick<LogOptions, "files" | "writeError">,
): (line: string) => void {
  return (line) => {
    const write = () => {
      const { kind, size } = logFile(files, path);
      // To open a pipe may take for ever.
      if (kind !== "file") return writeError(line);
      if (size > LARGEST_LOG_FILE) files.rename(path, `${path}.1`);
      files.appendText(path, `${line}\n`);
    };
    try {
      // This process may be acting as another user, who need not get at the log.
      if (files.user) files.as(files.user, write);
      else write();
    } catch {
      writeError(line);
    }
  };
}

/** What the log file is, or is to be if there is none yet. */
function logFile(files: Files, path: string): Pick<FileInfo, "kind" | "size"> {
  try {
    return files.info(path, { followLinks: true });
  } catch (error) {
    if (isNotFound(error)) return { kind: "file", size: 0 };
    throw error;
  }
}

/** A record as a line, without its newline. */
function format({ timeMs, level, part, message, properties }: LogRecord): string {
  const shown = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${formatValue(value)}`).join("");
  return plainLine(`${new Date(timeMs).toISOString()} ${level.padEnd(7)} ${part}: ${message}${shown}`);
}

function formatValue(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@-]+$/.test(value)) return value;
  try {
    return JSON.stringify(value);
  } catch {
    return "(not shown)"; // It holds itself, or is nested too deep; what is logged about must go on.
  }
}
