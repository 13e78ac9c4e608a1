import type { EventStore, LogMove } from "../../src/events/database.ts";
import type { EventRow } from "../../src/events/rows.ts";
import { isNotFound } from "../../src/files.ts";
import type { MemoryFiles } from "../support/memory_files.ts";
import type { Process } from "./process.ts";

/** What a file of a database begins with that is none in the making. */
const HEADER = "a database\n";

/** What every process that has the same file open shares. */
interface Database {
  rows: Set<string>;
  /** Who is in the middle of a transaction. */
  writer: EventStore | undefined;
  /** How many characters of the log the database file holds as well; and how many readers keep the log from being changed. */
  moved: number;
  movers: number;
}

/**
 * The events databases of a host: SQLite, as far as a watcher can tell. What is committed is appended to a log beside the
 * file, a row a line, and survives a power failure once that is synced; of what was not, as much as lies in one piece.
 */
export class SimulatedDatabases {
  readonly #directory: string;
  readonly #files: () => MemoryFiles;
  /** By inode. */
  #open = new Map<number, Database>();

  /** @param directory where they lie */
  constructor(directory: string, files: () => MemoryFiles) {
    this.#directory = directory;
    this.#files = files;
  }

  /** Opens a database for a process. */
  open(process: Process, path: string): EventStore {
    process.operation("open", path);
    const files = this.#files();
    const log = `${path}-wal`;
    if (textOf(files, path) === "") {
      // A log without a database is another's.
      if (textOf(files, log) !== undefined) process.files.remove(log);
      process.files.appendText(path, HEADER);
      files.beginSync(path)();
    }
    process.files.appendText(log, "");
    const { inode } = files.info(path);
    const database = this.#open.get(inode) ??
      { rows: recovered(files, path), writer: undefined, moved: 0, movers: 0 };
    this.#open.set(inode, database);
    return new SimulatedStore({ process, files }, path, database);
  }

  /** Every row of every database that is there, as JSON. */
  rows(): Set<string> {
    const files = this.#files();
    const names = files.list(this.#directory).flatMap(({ name, kind }) =>
      kind === "file" && /^events\.(db|[\d.]+)$/.test(name) ? [name] : []
    );
    return new Set(names.flatMap((name) => rowsIn(files, `${this.#directory}/${name}`)));
  }

  /** What was in memory is gone. */
  forget(): void {
    this.#open = new Map();
  }
}

class SimulatedStore implements EventStore {
  readonly isOurs = true;
  readonly hasLog = true;
  readonly #process: Process;
  readonly #disk: MemoryFiles;
  readonly #path: string;
  readonly #database: Database;
  changes = 0;
  #inserted: string[] = [];
  #forget: (() => void) | undefined;

  constructor({ process, files }: { process: Process; files: MemoryFiles }, path: string, database: Database) {
    this.#process = process;
    this.#disk = files;
    this.#path = path;
    this.#database = database;
  }

  begin(): void {
    this.#process.operation("begin", this.#path);
    if (this.#database.writer) throw new Error("database is locked");
    this.#database.writer = this;
    this.#inserted = [];
    this.#forget = this.#process.onEnd(() => this.#end());
  }

  insert(row: EventRow): void {
    this.changes++;
    const line = JSON.stringify(row);
    if (!this.#database.rows.has(line)) this.#inserted.push(line);
  }

  commit(): void {
    const { rows } = this.#database;
    const added = new Set(this.#inserted);
    this.#beginLog();
    if (added.size > 0) this.#process.files.appendText(`${this.#path}-wal`, `${[...added].join("\n")}\n`);
    for (const line of added) rows.add(line);
    this.#end();
  }

  /** Nothing here is that old. */
  removePast(): boolean {
    return false;
  }

  /** As SQLite does: what is moved is written over with the next commit. */
  #beginLog(): void {
    const { files } = this.#process;
    const { moved, movers } = this.#database;
    const log = `${this.#path}-wal`;
    if (movers > 0 || moved === 0 || files.readText(log).length > moved) return;
    files.writeText(log, "");
    this.#database.moved = 0;
  }

  moveLog(): LogMove {
    const { files } = this.#process;
    const database = this.#database;
    const all = files.readText(`${this.#path}-wal`);
    this.changes = 0;
    database.movers++;
    const end = () => void database.movers--;
    const forget = this.#process.onEnd(end);
    return {
      move: () => {
        this.#process.operation("move", this.#path);
        files.appendText(this.#path, all.slice(database.moved));
        database.moved = Math.max(database.moved, all.length);
      },
      end: () => {
        forget();
        end();
      },
    };
  }

  mergeLog(): boolean {
    const { files } = this.#process;
    if (this.#database.writer) return false;
    this.#process.operation("merge", this.#path);
    files.appendText(this.#path, files.readText(`${this.#path}-wal`));
    this.#disk.beginSync(this.#path)();
    files.remove(`${this.#path}-wal`);
    this.#database.moved = 0;
    return true;
  }

  close(): void {
    this.#end();
  }

  #end(): void {
    if (this.#database.writer === this) this.#database.writer = undefined;
    this.#forget?.();
    this.#forget = undefined;
  }
}

/** The rows of a database that is about to be opened: it is mended first. */
function recovered(files: MemoryFiles, path: string): Set<string> {
  for (const file of [path, `${path}-wal`]) cutTorn(files, file);
  return new Set(rowsIn(files, path));
}

/** The rows of a database and its log, each as JSON; what is torn is none. */
function rowsIn(files: MemoryFiles, path: string): string[] {
  const lines = `${wholeLines(files, path)}${wholeLines(files, `${path}-wal`)}`.split("\n");
  return lines.filter((line) => line.startsWith("["));
}

/** SQLite writes over what a power failure has torn, and over nothing before that. */
function cutTorn(files: MemoryFiles, path: string): void {
  const whole = wholeLines(files, path);
  if (whole === textOf(files, path)) return;
  files.writeText(path, whole);
  files.beginSync(path)();
}

function wholeLines(files: MemoryFiles, path: string): string {
  const text = textOf(files, path) ?? "";
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

function textOf(files: MemoryFiles, path: string): string | undefined {
  try {
    return files.readText(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
