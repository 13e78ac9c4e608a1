import { Budget } from "../budget.ts";
import type { Clock } from "../clock.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { openStoredEvents, type StoredEvents } from "../events/stored_events.ts";
import type { Files } from "../files.ts";
import { Backoff } from "../kube/backoff.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { CONTAINER } from "./tables.ts";
import type { RunMetadata, Target } from "./target.ts";
import { type Summary, Transformation, TRANSFORMED_CATEGORIES, TRANSFORMED_TYPES } from "./transformation.ts";

/** What to transform, and where to write it. */
export interface TransformOptions {
  /** The events database, ours or the legacy plug-in's. */
  input: string;
  /** In SQLAlchemy's form: `sqlite:///relative`, `sqlite:////absolute`, `postgresql://…`. */
  url: string;
  metadata: RunMetadata;
  /**
   * Called from time to time with how many of all events were read, and later with each table whose rows are written.
   */
  progress: (progress: { read: number; of: number } | { table: string }) => void;
  signal: AbortSignal;
}

/** The result of a run. */
export interface Transformed {
  runId: number;
  events: number;
  /** How many rows of this run each table has. */
  rows: Record<string, number>;
  /** How many containers were left out because the database has them as part of another run. */
  known: number;
  /** How many values were left out because they cannot be used: see `Transformation.unusable`. */
  unusable: number;
  summary: Summary;
}

/** How often to try again if the database is restarted or ends the connection. */
const MOST_RETRIES = 5;
const RETRY = { firstMs: 500, longestMs: 10_000 };

/** How long to wait for a process that writes to the events database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

/** After how many events progress is reported. */
const TELL_EVERY = 20_000;

const log = logger("transform");

/**
 * Writes what events say into tables, with one row for each machine, request, node and so on. It is one transaction:
 * afterwards either all of it is there or nothing. Another call for the same run replaces its rows.
 * @throws HostFactoryError if the events cannot be read, or the database cannot be written
 */
export async function transform(
  { files, clock, random }: { files: Files; clock: Clock; random: Random },
  options: TransformOptions,
): Promise<Transformed> {
  const open = await targetOf(options.url);
  const events = openStoredEvents(options.input, { files, lockWaitMs: LOCK_WAIT_MS });
  if (!events) {
    throw new HostFactoryError(`Cannot transform '${options.input}': there are no events in it`, {
      hint: "give the events database to --input-db: events.db in the work directory",
      exitCode: ExitCode.usage,
    });
  }
  const transformation = new Transformation();
  let count: number;
  try {
    count = await readInto(transformation, events, { ...options, budget: new Budget(clock, { restPerTurn: 0 }) });
  } finally {
    events.close();
  }
  const backoff = new Backoff(random, RETRY);
  for (;;) {
    try {
      const written = await write(transformation, open(), options);
      return { ...written, events: count, unusable: transformation.unusable, summary: transformation.summary() };
    } catch (error) {
      if (options.signal.aborted || error instanceof HostFactoryError) throw error;
      if (!mayPass(error) || backoff.failures >= MOST_RETRIES) throw unwritable(options.url, error);
      const retryMs = Math.round(backoff.next());
      log.warn("The database does not take it now", { error: describeError(error), retryMs });
      await clock.sleep(retryMs, options.signal);
    }
  }
}

async function readInto(
  transformation: Transformation,
  events: StoredEvents,
  { progress, signal, budget }: Pick<TransformOptions, "progress" | "signal"> & { budget: Budget },
): Promise<number> {
  const of = events.lastRow();
  const filter = { categories: TRANSFORMED_CATEGORIES, types: TRANSFORMED_TYPES, untilRow: of };
  let read = 0;
  for (const event of events.read(filter)) {
    transformation.add(event);
    if (++read % TELL_EVERY > 0) continue;
    progress({ read, of });
    if (budget.isSpent) await budget.breathe();
    signal.throwIfAborted();
  }
  return read;
}

async function write(
  transformation: Transformation,
  target: Target,
  { metadata, progress, signal }: TransformOptions,
): Promise<Pick<Transformed, "runId" | "rows" | "known">> {
  try {
    await target.begin();
    const runId = await target.beginRun(metadata);
    const rows: Record<string, number> = {};
    let known = 0;
    for (const { table, rows: toAdd } of transformation.tables()) {
      signal.throwIfAborted();
      progress({ table: table.name });
      const added = await target.insert(table, toAdd, { runId });
      rows[table.name] = added;
      if (table === CONTAINER) known = transformation.containers - added;
    }
    await target.commit();
    return { runId, rows, known };
  } finally {
    await target.close();
  }
}

/** A function that opens the database of a URL. @throws HostFactoryError if it is neither SQLite nor PostgreSQL */
async function targetOf(url: string): Promise<() => Target> {
  const [, kind = "", rest = ""] = /^(\w+)(?:\+\w+)?:\/\/(.*)$/s.exec(url) ?? [];
  if (kind === "sqlite" && rest.length > 1) {
    const { SqliteTarget } = await import("./sqlite_target.ts");
    return () => new SqliteTarget(rest.slice(1));
  }
  if (kind === "postgresql" || kind === "postgres") {
    const { PostgresTarget } = await import("./postgres_target.ts");
    return () => new PostgresTarget(`postgresql://${rest}`);
  }
  throw new HostFactoryError("Cannot tell which database to write to", {
    hint: "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
  });
}

/**
 * True for errors that a restart of the server causes (source: `toolchain-observability.md`, and PostgreSQL
 * documentation, "PostgreSQL Error Codes": classes 08 and 57P).
 */
function mayPass(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(57P0|08)/.test(code) || ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code) ||
    /Connection terminated|timeout expired|Broken pipe/i.test(describeError(error));
}

/** The message does not quote the URL, because it may contain a password. */
function unwritable(url: string, error: unknown): HostFactoryError {
  const hint = url.startsWith("sqlite")
    ? "see that the file can be written by this user, and no other program writes to it"
    : "see that the server runs, and the user may make tables and write to them";
  return new HostFactoryError(`Cannot write to the database: ${describeError(error)}`, { hint, cause: error });
}
