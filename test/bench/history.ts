import { DatabaseSync } from "node:sqlite";
import { openEventStore } from "../../src/events/database.ts";
import { Postgres, postgresIsThere } from "../support/postgres.ts";
import { RUN_OPTIONS } from "../support/run_options.ts";
import { measure, median, type Run } from "./process.ts";

/** Rows that each machine has, all of its steps. */
const ROWS_PER_MACHINE = 12;

/**
 * What is made of a million events of one day: the history of the last hour, of one machine, and the tables in SQLite and
 * PostgreSQL. Each is a process of its own.
 */
export async function benchHistory(binary: string, options: { directory: string }): Promise<void> {
  if (!postgresIsThere) return await benchCommands(binary, options);
  await using postgres = await Postgres.start();
  await benchCommands(binary, { ...options, postgres: postgres.url });
}

/** @param options `postgres`: the URL of a database; absent: there is none */
async function benchCommands(
  binary: string,
  { directory, postgres }: { directory: string; postgres?: string },
): Promise<void> {
  const workdir = `${directory}/history`;
  Deno.mkdirSync(workdir);
  const rows = storeMillion(`${workdir}/events.db`);
  console.log(`${rows} events of one day                runs   median ms   peak MiB`);
  const machine = `r${Math.floor(rows / ROWS_PER_MACHINE / 64 / 2)}-1`;
  const transform = ["--log-level", "warning", "events", "transform", "--input-db", `${workdir}/events.db`];
  const intoTables = (url: string) => ({ runs: 3, args: [...transform, ...RUN_OPTIONS, url] });
  for (
    const { name, runs, args } of [
      { name: "history --since 1h", runs: 11, args: ["history", "--since", "1h"] },
      { name: "history --machine", runs: 11, args: ["history", "--machine", machine] },
      { name: "events transform to SQLite", ...intoTables(`sqlite:///${workdir}/tables.db`) },
      ...(postgres === undefined ? [] : [{ name: "events transform to PostgreSQL", ...intoTables(postgres) }]),
    ]
  ) {
    const measured: Run[] = [];
    for (let i = 0; i < runs; i++) measured.push(await measure(binary, ["--workdir", workdir, ...args]));
    if (measured.some(({ code }) => code !== 0)) throw new Error(`${name} failed`);
    const middle = (key: "ms" | "peakMb") => median(measured.map((one) => one[key])).toFixed(0);
    console.log(name.padEnd(42) + String(runs).padStart(4) + middle("ms").padStart(12) + middle("peakMb").padStart(11));
  }
  Deno.removeSync(workdir, { recursive: true });
}

/** Stores the steps of 83,000 machines, 64 to a request, over the last 24 hours. @returns how many rows */
function storeMillion(path: string): number {
  openEventStore(path).close();
  using database = new DatabaseSync(path);
  const now = Math.floor(Date.now() / 1000);
  const machines = Math.floor(1_000_000 / ROWS_PER_MACHINE);
  const steps = [
    ["status", "'requested'", 0],
    ["request_id", "'r' || i / 64", 0],
    ["template_id", "'small'", 0],
    ["status", "'created'", 1],
    ["status", "'pending'", 1],
    ["status", "'scheduled'", 2],
    ["node_name", "'node-' || i % 50", 2],
    ["status", "'running'", 4],
    ["status", "'ready'", 5],
    ["status", "'returned'", 60],
    ["return_id", "'x' || i / 64", 60],
    ["status", "'deleted'", 62],
  ] as const;
  const ofMachine = steps.map(([type, value, after]) =>
    `SELECT '', '', 'pod', 'r' || i / 64 || '-' || i % 64, at + ${after}, '${type}', ${value} FROM machines`
  );
  database.exec(`
    INSERT INTO events
    WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers LIMIT ${machines}),
    machines AS (SELECT i, ${now} - 86400 + i * 86400 / ${machines} AS at FROM numbers)
    SELECT '', '', 'request', 'r' || i / 64, at, 'template_id', 'small' FROM machines WHERE i % 64 = 0
    UNION ALL ${ofMachine.join(" UNION ALL ")} ORDER BY 5`);
  return Number(database.prepare("SELECT count(*) AS count FROM events").get()?.["count"]);
}
