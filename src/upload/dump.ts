import { FrozenEvents } from "../events/frozen_events.ts";

/** How many rows are read at a time, which takes some milliseconds. */
const PAGE = 1_000;

/** How long to wait for a process that writes to the database, in milliseconds. */
const LOCK_WAIT_MS = 5_000;

const COLUMNS = ["hf_namespace", "hf_pod", "category", "id", "timestamp", "type", "value"];

/**
 * The events database as SQL that recreates it, as `sqlite3 events.db .dump` writes it. It shows one moment: what is
 * stored meanwhile is not in it. If the database has a write-ahead log, writers are not delayed.
 */
export function* dump(path: string): Generator<string> {
  using events = new FrozenEvents(path, { lockWaitMs: LOCK_WAIT_MS });
  const schema = (type: "table" | "index") => events.schema(type).map((sql) => `${sql};\n`);
  yield "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n";
  yield* schema("table");
  const values = COLUMNS.map((column) => `quote(${column})`).join(` || ',' || `);
  const insert = `group_concat('INSERT INTO events VALUES(' || ${values} || ');', char(10))`;
  const select = (page: string) => `SELECT ${insert} AS text, max(row) AS row FROM ${page}`;
  for (const page of events.pages({ rows: PAGE, select })) for (const { text } of page) yield `${text}\n`;
  yield* schema("index");
  yield "COMMIT;\n";
}

/** The texts, compressed (gzip), without blocking the rest of this process meanwhile. */
export async function compressed(texts: Iterable<string>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = ReadableStream.from(texts).pipeThrough(new TextEncoderStream())
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}
