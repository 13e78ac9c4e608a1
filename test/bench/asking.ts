import { DatabaseSync } from "node:sqlite";
import { openEventStore } from "../../src/events/database.ts";
import { writeConfiguration, writeRunningRequest } from "./fixture.ts";
import { measure, median, type Run } from "./process.ts";

const REQUEST = "asked0000001";

/**
 * What the commands take that say how a grid of 10,000 machines is, of one request and with all their events: in milliseconds,
 * and as a multiple of what the runtime takes to say hello, and of what `get-request-status` takes for the same. They are run in
 * turn, for the machine is not equally fast all the time.
 * @param hello what `build.sh --hello` makes
 */
export async function benchAsking(
  { binary, hello, directory }: { binary: string; hello: string; directory: string },
  { count, rounds }: { count: number; rounds: number },
): Promise<void> {
  const [workdir, confdir] = [`${directory}/asking`, `${directory}/conf`];
  writeConfiguration(confdir);
  await writeRunningRequest(workdir, REQUEST, count);
  storeSteps(`${workdir}/events.db`, count);
  const question = JSON.stringify({ requests: [{ requestId: REQUEST }] });
  const commands = [
    "get-request-status -f -",
    "status",
    "admin list-machines --output table",
    "admin list-machines --output wide",
    "admin list-machines --output json",
    `explain ${REQUEST}`,
    `explain ${REQUEST}-${count / 2}`,
  ];
  const bare: Run[] = [];
  const runs = new Map<string, Run[]>(commands.map((command) => [command, []]));
  for (let round = 0; round < rounds; round++) {
    bare.push(await measure(hello, []));
    for (const [command, measured] of runs) {
      const args = ["--workdir", workdir, "--confdir", confdir, ...command.split(" ")];
      // Who does not read it may be gone before it is written.
      measured.push(await measure(binary, args, command.endsWith("-f -") ? question : ""));
    }
  }
  const middle = (measured: Run[], key: "ms" | "peakMb") => median(measured.map((run) => run[key]));
  const verbMs = middle(runs.get(commands[0]!)!, "ms");
  console.log(`asked of ${count} machines                 median ms   times hello   times the verb   peak MiB`);
  for (const [command, measured] of runs) {
    const ms = middle(measured, "ms");
    const columns = [
      ms.toFixed(0).padStart(10),
      (ms / middle(bare, "ms")).toFixed(1).padStart(14),
      (ms / verbMs).toFixed(2).padStart(17),
      middle(measured, "peakMb").toFixed(0).padStart(11),
    ];
    console.log(command.padEnd(38) + columns.join(""));
  }
  Deno.removeSync(workdir, { recursive: true });
}

/** Stores what `serve` records of machines until they are up: 15 rows of each. */
function storeSteps(path: string, count: number): void {
  openEventStore(path).close();
  using database = new DatabaseSync(path);
  const statuses = ["requested", "created", "pending", "scheduled", "running", "ready"];
  const facts = ["request_id", "template_id", "node_name", "node_id", "container_statuses", "cpu_requested"];
  const limits = ["cpu_limit", "memory_requested", "memory_limit"];
  const rows = [...statuses.map((status) => ["status", status]), ...[...facts, ...limits].map((type) => [type, "n"])];
  const ofMachine = rows.map(([type, value], i) =>
    `SELECT '', '', 'pod', '${REQUEST}-' || i, 1795000000 + i / 100 + ${i}, '${type}', '${value}' FROM machines`
  );
  database.exec(`
    INSERT INTO events
    WITH RECURSIVE machines(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM machines LIMIT ${count})
    ${ofMachine.join(" UNION ALL ")} ORDER BY 5`);
}
