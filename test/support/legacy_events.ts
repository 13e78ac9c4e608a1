import { root } from "./tree.ts";

/** A row of the events database, in the order of its columns. */
export type StoredRow = [string, string, string, string, number, string, string];

/** What the legacy plug-in had in its events database and its spool, and what it added to the one from the other. */
export const legacyEvents: {
  /** The statements that made the database. */
  schema: string[];
  before: StoredRow[];
  added: StoredRow[];
  /** By the name of its file, each batch. */
  spool: Record<string, string>;
} = JSON.parse(await gunzip(`${root}test/fixtures/legacy-plugin-events.json.gz`));

async function gunzip(path: string): Promise<string> {
  return await new Response((await Deno.open(path)).readable.pipeThrough(new DecompressionStream("gzip"))).text();
}

export function sorted(rows: Iterable<readonly unknown[]>): string[] {
  return Array.from(rows, (row) => JSON.stringify(row)).sort();
}
