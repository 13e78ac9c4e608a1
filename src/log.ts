import { type Clock, systemClock } from "./clock.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "./config.ts";
import { describeError } from "./errors.ts";
import { type FileInfo, type Files, ifThere } from "./files.ts";
import { plainLine, plainText } from "./plain_text.ts";

/** A log file is rotated, to `<file>.1`, once it is larger; one is kept. 64 MiB hold days of a busy grid. */
const LARGEST_LOG_FILE = 64 * 1024 * 1024;

/** How long a cause gathers before its first line, and the least time between its later lines, in milliseconds. */
const GATHER_MS = 1_000;
const AGAIN_MS = 60_000;

/** How long something that is tried again must not have failed to count as over, in milliseconds. */
const OVER_MS = 20_000;

/** How many causes are gathered separately; all others are counted together. */
const MOST_CAUSES = 20;

/** A shorter name may occur in a text by chance, so it is not replaced there. */
const SHORTEST_NAME = 6;

/** How a process logs. */
export interface LogOptions {
  /** Records below this level are not written. */
  level: LogLevel;
  /** Default: `text`. */
  format?: LogFormat;
  /** Lines on standard error begin with their priority, as journald takes it (source: sd-daemon(3)). */
  hasPriorities?: boolean;
  /** Absent: standard error. */
  file: string | undefined;
  files: Files;
  /** Writes a line, which comes without its newline, to standard error. */
  writeError: (line: string) => void;
  /** Gives the time of each record; default: the clock of the machine we run on. */
  clock?: Pick<Clock, "now" | "monotonic">;
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
let log:
  | { least: number; clock: Pick<Clock, "now" | "monotonic">; write: (record: LogRecord) => void }
  | undefined;

/** The logs that have something gathered, or may have it again. */
const gathering = new Set<GatheringLog>();

/** A logger for one part of the product, which may be made before logging is started. */
export function logger(part: string): Logger {
  const at = (level: LogLevel) => (message: string, properties: Properties = {}) => {
    if (isLogged(level)) log?.write({ timeMs: log.clock.now(), level, part, message, properties });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

/** Starts logging; before, and without it, nothing is logged. */
export function startLogging(options: LogOptions): void {
  const { level, format = "text", file, files, hasPriorities = false, clock = systemClock } = options;
  const lineOf = format === "json" ? asJson : asText;
  const writeError = (record: LogRecord) =>
    options.writeError(hasPriorities ? `<${PRIORITIES[record.level]}>${lineOf(record)}` : lineOf(record));
  const write = file === undefined ? writeError : fileWriter(file, { files, writeError, lineOf });
  log = { least: LOG_LEVELS.indexOf(level), clock, write };
}

function isLogged(level: LogLevel): boolean {
  return log !== undefined && LOG_LEVELS.indexOf(level) >= log.least;
}

/** What one cause has gathered since its last line. */
interface Cause {
  properties: Properties;
  names: Set<string>;
  tries: number;
  /** When its next line may be written, and when it was last noted, on the monotonic clock. */
  dueMs: number;
  lastMs: number;
  wasTold: boolean;
}

/**
 * Logs what happens to many things, or again and again, in one line for each cause: to how many things, and how often.
 * The first line is written after a second, the next ones once a minute for as long as it goes on.
 */
export class GatheringLog {
  readonly #head: Pick<LogRecord, "level" | "part" | "message">;
  readonly #of: string;
  readonly #isTriedAgain: boolean;
  /** By the properties without names and numbers, which are the same for all things with the same cause. */
  readonly #causes = new Map<string, Cause>();

  /**
   * @param options `of`: what is counted, such as `machines`; `isTriedAgain`: if a cause that had a line has not been
   * noted for a while, it counts as over and gets no further line
   */
  constructor(
    part: string,
    message: string,
    { of, level = "warning", isTriedAgain = false }: {
      of: string;
      level?: "info" | "warning" | "error";
      isTriedAgain?: boolean;
    },
  ) {
    this.#head = { level, part, message };
    this.#of = of;
    this.#isTriedAgain = isTriedAgain;
  }

  /** @param describe makes the rest of the line; called only if this level is logged */
  note(name: string, describe: () => Properties): void {
    if (!log || !isLogged(this.#head.level)) return;
    gathering.add(this);
    const properties = describe();
    const key = withoutName(JSON.stringify(properties), name).replace(/\d+/g, "0");
    const now = log.clock.monotonic();
    const cause = this.#causes.get(key) ?? this.#begin(key, properties, now);
    // The line names the first thing that was noted, so it has that thing's properties.
    if (cause.tries === 0 && cause === this.#causes.get(key)) cause.properties = properties;
    cause.names.add(name);
    cause.tries++;
    cause.lastMs = now;
  }

  /** Notes that something failed, and why. */
  failed(name: string, error: unknown): void {
    this.note(name, () => ({ error: describeError(error) }));
  }

  /**
   * Writes the lines that are due, and forgets causes that were not noted again.
   * @returns whether there may be more lines
   */
  tell(now: number): boolean {
    for (const [key, cause] of this.#causes) {
      if (now < cause.dueMs) continue;
      if (cause.tries > 0 && !this.#isOver(cause, now)) this.#tellOne(cause, now);
      else this.#causes.delete(key);
      if (now === Infinity) this.#causes.delete(key);
    }
    return this.#causes.size > 0;
  }

  #isOver({ wasTold, lastMs }: Cause, now: number): boolean {
    return this.#isTriedAgain && wasTold && now - lastMs > OVER_MS;
  }

  #begin(key: string, properties: Properties, now: number): Cause {
    const isOneTooMany = this.#causes.size >= MOST_CAUSES;
    const known = isOneTooMany ? this.#causes.get("") : undefined;
    if (known) return known;
    const shown = isOneTooMany ? { reason: "other reasons" } : properties;
    const noted = { names: new Set<string>(), tries: 0 };
    const cause = { properties: shown, ...noted, dueMs: now + GATHER_MS, lastMs: now, wasTold: false };
    this.#causes.set(isOneTooMany ? "" : key, cause);
    return cause;
  }

  #tellOne(cause: Cause, now: number): void {
    const { names, tries, properties } = cause;
    const [first = ""] = names;
    const shown = Object.entries(properties).map(([key, value]) =>
      [key, names.size > 1 && typeof value === "string" ? withoutName(value, first) : value] as const
    );
    const counts = { [this.#of]: names.size, ...(tries > names.size ? { times: tries } : {}) };
    log?.write({
      ...this.#head,
      timeMs: log.clock.now(),
      properties: { ...counts, ...Object.fromEntries(shown), first },
    });
    cause.names = new Set();
    cause.tries = 0;
    cause.dueMs = now + AGAIN_MS;
    cause.wasTold = true;
  }
}

/** Writes what has gathered: the lines that are due, or at the end of the process all. */
export function tellGathered({ isEnd = false }: { isEnd?: boolean } = {}): void {
  const now = isEnd ? Infinity : log?.clock.monotonic() ?? 0;
  for (const one of gathering) if (!one.tell(now)) gathering.delete(one);
}

function withoutName(text: string, name: string): string {
  return name.length < SHORTEST_NAME ? text : text.replaceAll(name, "…");
}

/**
 * Appends to a file; if that fails, the line goes to standard error, so that a full disk does not hide what happens.
 */
function fileWriter(
  path: string,
  { files, writeError, lineOf }: {
    files: Files;
    writeError: (record: LogRecord) => void;
    lineOf: (record: LogRecord) => string;
  },
): (record: LogRecord) => void {
  return (record) => {
    const write = () => {
      const { kind, size } = logFile(files, path);
      // Opening a pipe may block for ever.
      if (kind !== "file") return writeError(record);
      if (size > LARGEST_LOG_FILE) files.rename(path, `${path}.1`);
      files.appendText(path, `${lineOf(record)}\n`);
    };
    try {
      // This process may be acting as another user, who may not be allowed to write to the log.
      if (files.user) files.as(files.user, write);
      else write();
    } catch {
      writeError(record);
    }
  };
}

/** Kind and size of the log file; an empty file if there is none yet. */
function logFile(files: Files, path: string): Pick<FileInfo, "kind" | "size"> {
  return ifThere(() => files.info(path, { followLinks: true })) ?? { kind: "file", size: 0 };
}

/** As syslog has them. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warning: 4, error: 3, critical: 2 };

/** A record as a line, without its newline. */
function asText({ timeMs, level, part, message, properties }: LogRecord): string {
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

/**
 * A record as a JSON object on one line. A property that is named like a field of the record, such as `time`, becomes
 * `time_`.
 */
function asJson({ timeMs, level, part, message, properties }: LogRecord): string {
  const head = { time: new Date(timeMs).toISOString(), level, part, message };
  const own = Object.entries(properties).map(([key, value]) => [key in head ? `${key}_` : key, value] as const);
  try {
    return plainText(JSON.stringify({ ...head, ...Object.fromEntries(own) }));
  } catch {
    const shown = own.map(([key, value]) => [key, formatValue(value)] as const);
    return plainText(JSON.stringify({ ...head, ...Object.fromEntries(shown) }));
  }
}
