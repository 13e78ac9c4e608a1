import { root } from "./tree.ts";

/** By table, what the legacy plug-in's transform made of `legacyEvents.before`: its SQL in SQLite, and its rows. */
export const legacyTransformed: Record<
  string,
  { sql: string; columns: string[]; rows: (string | number | null)[][] }
> = await new Response(
  (await Deno.open(`${root}test/fixtures/legacy-plugin-transformed.json.gz`)).readable
    .pipeThrough(new DecompressionStream("gzip")),
).json();

/** The run that it was made as. */
export const existingRun = {
  cluster: "grid-london",
  platform: "eks",
  region: "eu-west-1",
  namespace: "symphony",
  date: "2026-11-21 16:13:00",
};
