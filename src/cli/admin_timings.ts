import { type Command } from "commander";
import type { Timing } from "../admin/timings.ts";
import { plainLine } from "../plain_text.ts";
import { configure } from "./cli.ts";
import type { Call } from "./command.ts";
import { type ListFormat, listFormat, listFormatOption, writeList } from "./listing.ts";
import { givenDatabase, sharedOption, words } from "./options.ts";

export interface TimingsOptions {
  fromEvent: string;
  toEvent: string;
  template?: string[];
  output?: ListFormat;
  dbfile?: string;
}

export function declareTimings(command: Command): void {
  command.command("get-timings").description("How long machines take from one state to another, by template")
    .option("--from-event <state>", "from when a machine is first in it: requested, created, scheduled, …", "created")
    .option("--to-event <state>", "until it is first in it: running, ready, returned, deleted, …", "running")
    .option("--template <ids>", "of these templates", words)
    .addOption(listFormatOption())
    .addOption(sharedOption.dbfile());
}

/** @throws HostFactoryError if no machine was in both states */
export async function getTimings(call: Call<TimingsOptions>): Promise<void> {
  const { fromEvent: from, toEvent: to, template, output, dbfile } = call.options;
  const config = configure(call, { defaultLogLevel: "warning" });
  const [{ openForReading }, { noTimings, readTimings }] = await Promise.all([
    import("../admin/open_picture.ts"),
    import("../admin/timings.ts"),
  ]);
  const source = givenDatabase(call.cli.files, dbfile);
  const { all, templates, states } = await readTimings(
    openForReading(config, call.cli, { mayLack: dbfile !== undefined }),
    {
      from,
      to,
      templates: template,
      ...source,
    },
  );
  if (!all) throw noTimings({ from, to, templates: template }, states);
  const rows = templates.length === 1 ? templates : [...templates, all];
  await writeList(listFormat(output), {
    // The form that the legacy plug-in intends.
    names: () => [`Average time between events: ${round(all.average)}`],
    table: () => timingTable(rows),
    document: () => ({ from, to, templates, all }),
  });
}

function timingTable(rows: readonly Timing[]): string[][] {
  return [
    ["TEMPLATE", "MACHINES", "AVERAGE S", "P50", "P90", "P99", "LONGEST"],
    ...rows.map(({ templateId, machines, average, p50, p90, p99, longest }) => [
      plainLine(templateId),
      ...[machines, round(average), p50, p90, p99, longest].map(String),
    ]),
  ];
}

function round(seconds: number): number {
  return Math.round(seconds * 10_000) / 10_000;
}
