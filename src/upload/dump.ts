import { DatabaseSync } from "node:sqlite";

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
  using database = new DatabaseSync(path, { readOnly: true, timeout: LOCK_WAIT_MS });
  database.exec("BEGIN");
  yield "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n";
  const schema = (type: string) => {
    const statement = database.prepare(
      "SELECT sql FROM sqlite_schema WHERE tbl_name = 'events' AND type = ? ORDER BY rowid",
    );
    return statement.all(type).map(({ sql }) => `${sql};\n`);
  };
  yield* schema("table");
  const values = COLUMNS.map((column) => `quote(${column})`).join(` || ',' || `);
  const page = database.prepare(
    `SELECT group_concat('INSERT INTO events VALUES(' || ${values} || ');', char(10)) AS text, max(rowid) AS last
     FROM (SELECT *, rowid FROM events WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE})`,
  );
  for (let after = Number.MIN_SAFE_INTEGER;;) {
    const { text, last } = page.get(after) as { text: string | null; last: number | null };
    if (text === null || last === null) break;
    yield `${text}\n`;
    after = last;
  }
  yield* schema("index");
  yield "COMMIT;\n";
}

/** Texts, compressed. While it is worked on, everything else of this process goes on. */
export async function compressed(texts: Iterable<string>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = ReadableStream.from(texts).pipeThrough(new TextEncoderStream())
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}
