import { FrozenEvents } from "../events/frozen_events.ts";

/** Rows that are read together: some milliseconds' worth. */
const PAGE = 1_000;

/** How long, in milliseconds, one who writes is waited for. */
const LOCK_WAIT_MS = 5_000;

const COLUMNS = ["hf_namespace", "hf_pod", "category", "id", "timestamp", "type", "value"];

/**
 * The events database as SQL that makes it again, as `sqlite3 events.db .dump` writes it. It is that of one moment: what is
 * stored meanwhile is not in it, and is not held up where the database has a log.
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

/** Texts, compressed. While it is worked on, everything else of this process goes on. */
export async function compressed(texts: Iterable<string>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = ReadableStream.from(texts).pipeThrough(new TextEncoderStream())
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}
