import type { Command } from "commander";
import { HostFactoryError } from "../errors.ts";
import { plainLine } from "../plain_text.ts";
import { integerBetween } from "../random.ts";
import { configure } from "./cli.ts";
import type { Call } from "./command.ts";
import { givenDatabase, sharedOption } from "./options.ts";
import { writeOutput } from "./output.ts";
import { self } from "./self.ts";

export interface ReplayOptions {
  wait?: boolean;
  dryRun?: boolean;
  dbfile?: string;
}

export function declareReplay(command: Command): void {
  command.command("replay").description("Call the verbs again as the events database tells that they were called")
    .option("--wait", "with the pauses that there were between the calls")
    .option("--dry-run", "show the calls, and make none")
    .addOption(sharedOption.dbfile());
}

/** @throws HostFactoryError if a call failed */
export async function replay(call: Call<ReplayOptions>): Promise<void> {
  const { cli, options: { wait = false, dryRun = false, dbfile }, stopping: signal } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const [{ openForReading }, { recordedCalls, replayCalls }] = await Promise.all([
    import("../admin/open_picture.ts"),
    import("../admin/replay.ts"),
  ]);
  const source = givenDatabase(cli.files, dbfile);
  const calls = await recordedCalls(openForReading(config, cli, { mayLack: dbfile !== undefined }), source);
  if (dryRun) {
    for (const { at, verb, id, input } of calls) {
      writeOutput(`${new Date(at * 1_000).toISOString()}  ${verb} ${plainLine(id)}: ${plainLine(input)}\n`);
    }
    return;
  }
  const tag = integerBetween(cli.random, 0, 2 ** 40).toString(36);
  const given = ["--workdir", config.workdir, ...config.confdir === undefined ? [] : ["--confdir", config.confdir]];
  const again = {
    ...cli,
    self: self(),
    arguments: given,
    file: `${cli.environment["TMPDIR"] ?? "/tmp"}/hostfactory-replay-${tag}.json`,
    isWaited: wait,
    signal,
  };
  let failed = 0;
  await replayCalls(calls, again, ({ verb, id, code, answer }) => {
    if (code !== 0) failed++;
    writeOutput(`${code === 0 ? "ok    " : "failed"}  ${verb} ${plainLine(id)}: ${plainLine(answer)}\n`);
  });
  if (failed > 0) throw new HostFactoryError(`${failed} of ${calls.length} calls failed: see above`);
}
