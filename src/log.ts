import { configureSync, getLogger, type LogLevel as LogtapeLevel, type LogRecord, type Sink } from "@logtape/logtape";
import type { LogLevel } from "./config.ts";
import { type FileInfo, type Files, isNotFound } from "./files.ts";
import { plainLine } from "./plain_text.ts";

/** A log file is set aside as `<file>.1` once it is larger; one is kept. 64 MiB hold days of a busy grid. */
const LARGEST_LOG_FILE = 64 * 1024 * 1024;

/** How a process logs. */
export interface LogOptions {
  level: LogLevel;
  /** Absent: standard error. */
  file: string | undefined;
  files: Files;
  /** Writes a line, which comes without its newline, to standard error. */
  writeError: (line: string) => void;
}

/** A logger for one part of the product, such as a watcher. Properties are shown as `key=value`. */
export function logger(part: string): {
  debug(message: string, properties?: Record<string, unknown>): void;
  info(message: string, properties?: Record<string, unknown>): void;
  warn(message: string, properties?: Record<string, unknown>): void;
  error(message: string, properties?: Record<string, unknown>): void;
} {
  return getLogger(["hostfactory", part]);
}

/** Starts logging; before, and without it, nothing is logged. */
export function startLogging({ level, file, files, writeError }: LogOptions): void {
  const sink: Sink = file === undefined
    ? (record) => writeError(format(record))
    : fileSink(file, { files, writeError });
  configureSync({
    reset: true,
    sinks: { sink },
    loggers: [
      { category: "hostfactory", lowestLevel: LOGTAPE_LEVEL[level], sinks: ["sink"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["sink"] },
    ],
  });
}

const LOGTAPE_LEVEL: Record<LogLevel, LogtapeLevel> = {
  debug: "debug",
  info: "info",
  warning: "warning",
  error: "error",
  critical: "fatal",
};

/** Appends to a file; if that fails, the line goes to standard error, so that a full disk does not hide what happens. */
function fileSink(path: string, { files, writeError }: Pick<LogOptions, "files" | "writeError">): Sink {
  return (record) => {
    const line = format(record);
    const write = () => {
      const { kind, size } = logFile(files, path);
      // To open a pipe may take for ever.
      if (kind !== "file") return writeError(line);
      if (size > LARGEST_LOG_FILE) files.rename(path, `${path}.1`);
      files.appendText(path, `${line}\n`);
    };
    try {
      // Whoever logs may just act as another user, who need not get at the log.
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
function format(record: LogRecord): string {
  const properties = Object.entries(record.properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`).join("");
  const part = record.category.slice(1).join(".");
  const time = new Date(record.timestamp).toISOString();
  return plainLine(`${time} ${record.level.padEnd(7)} ${part}: ${record.message.join("")}${properties}`);
}

function quoted(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
}
