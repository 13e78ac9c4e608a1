import { InvalidArgumentError, Option } from "commander";
import { absolute } from "../config.ts";
import { logger } from "../log.ts";
import type { Transformed } from "../transform/transform.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { outputIsTerminal, overwriteLine } from "./output.ts";

interface Options {
  inputDb: string;
  cluster: string;
  platform: string;
  region: string;
  namespace: string;
  date: string;
}

const log = logger("transform");

/** The command `events`, which is also run by the legacy plug-in's name `hostfactory-events`. */
export const events: CommandBody = {
  declare(command) {
    command.command("transform")
      .description("Put what the events say into tables of an SQLite or PostgreSQL database, in one transaction")
      .argument("<database>", "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
      .requiredOption("--input-db <file>", "the events database")
      .requiredOption("--cluster <name>", "the run's cluster")
      .requiredOption("--platform <name>", "its platform, such as eks")
      .requiredOption("--region <name>", "its region")
      .requiredOption("--namespace <name>", "its namespace")
      .addOption(
        new Option("--date <date>", "when it was: YYYY-MM-DD-HH-MM").makeOptionMandatory().argParser(asStored),
      );
  },
  run,
};

async function run(call: Call<Options>): Promise<void> {
  const { cli, args: [url = ""], options, stopping: signal } = call;
  configure(call, { defaultLogLevel: "info" });
  const { transform } = await import("../transform/transform.ts");
  const { inputDb, cluster, platform, region, namespace, date } = options;
  const isTerminal = outputIsTerminal();
  const startedMs = cli.clock.monotonic();
  const show = (text: string) => isTerminal && overwriteLine(text);
  try {
    const transformed = await transform(cli, {
      input: absolute(inputDb),
      url,
      metadata: { cluster, platform, region, namespace, date },
      signal,
      progress: (progress) =>
        show("table" in progress ? `… ${progress.table}` : `… ${progress.read} of at most ${progress.of} events`),
    });
    show("");
    tell(transformed, { seconds: (cli.clock.monotonic() - startedMs) / 1000 });
  } catch (error) {
    show("");
    throw error;
  }
}

function tell(
  { runId, events, rows, known, unusable, summary }: Transformed,
  { seconds }: { seconds: number },
): void {
  log.info("Transformed", { run: runId, events, ...rows, seconds: Number(seconds.toFixed(1)) });
  if (known > 0) log.warn("Containers were left out: another run of this database has them", { containers: known });
  if (unusable > 0) log.warn("Values were left out: no numbers where numbers belong, or no JSON", { values: unusable });
  const { start, end, cpu_minutes: cpuMinutes, percentage_node_usage: usage } = summary;
  if (start === null || end === null) return;
  log.info("Test summary", {
    run: runId,
    start: new Date(start * 1000).toISOString(),
    end: new Date(end * 1000).toISOString(),
    hours: Number(((end - start) / 3600).toFixed(2)),
    cpuMinutes: Number(cpuMinutes.toFixed(2)),
    nodeUsagePercent: Number(usage.toFixed(2)),
  });
}

/** `2026-11-21-16-13` as the table has it: `2026-11-21 16:13:00`. */
function asStored(text: string): string {
  const [, day, hour, minute] = /^(\d{4}-\d{2}-\d{2})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const date = `${day}T${hour}:${minute}:00Z`;
  const ms = Date.parse(date);
  // A day that does not exist, such as the 31st of February, would silently become another one.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(`${day}`)) {
    throw new InvalidArgumentError("It must be a date and time, such as 2026-11-21-16-13.");
  }
  return `${day} ${hour}:${minute}:00`;
}
