import { systemClock } from "../clock.ts";
import { systemEnvironment } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { calledPath, systemFiles } from "../files.ts";
import { tellGathered } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { Cli, CommandLine, CommandRow } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { outputColumns, writeError, writeJson, writeOutput } from "./output.ts";
import { stopSignals } from "./signals.ts";
import { UsageError } from "./usage_error.ts";
import { readVerbLine } from "./verb_line.ts";

/** Runs the command line and gives the exit status. Never throws. */
export async function run(given: string[]): Promise<number> {
  const args = [...commandOf(calledPath()), ...given];
  const cli = { environment: systemEnvironment(), files: systemFiles, clock: systemClock, random: systemRandom };
  let row: CommandRow | undefined;
  try {
    const line = readVerbLine(args) ?? await readAnyLine(args, cli);
    if (typeof line === "string") {
      writeOutput(line);
      return ExitCode.ok;
    }
    row = line.row;
    return await start(line, cli) ?? ExitCode.ok;
  } catch (error) {
    report(error, row ?? firstMentioned(args));
    return error instanceof HostFactoryError ? error.exitCode : ExitCode.failure;
  } finally {
    tellGathered({ isEnd: true });
  }
}

/** The command that the program's name stands for: the old `hostfactory-events` is `hostfactory events`. */
export function commandOf(path: string): string[] {
  const [, command] = /(?:^|\/)hostfactory-([^/]+)$/.exec(path) ?? [];
  return COMMANDS.flatMap(({ name }) => name === command ? [name] : []);
}

async function readAnyLine(args: string[], { environment }: Cli): Promise<CommandLine | string> {
  const { readCommandLine } = await import("./program.ts");
  const width = outputColumns();
  return await readCommandLine(args, environment, Number.isFinite(width) ? { width } : {});
}

/** Runs a command. Its row says what SIGTERM and SIGINT do. */
async function start(line: CommandLine, cli: Cli): Promise<ExitCode | void> {
  const body = await line.row.load();
  const { signals } = line.row;
  if (signals === "end") {
    return await body.run({
      ...line,
      cli,
      stopping: new AbortController().signal,
      hangUps: () => 0,
    });
  }
  using stop = stopSignals(cli.clock);
  const ended = body.run({ ...line, cli, stopping: stop.first, hangUps: () => stop.hangUps });
  try {
    return await (signals === "drain" ? ended : Promise.race([ended, stop.second]));
  } catch (error) {
    if (!stop.first.aborted || error !== stop.first.reason) throw error;
    throw new HostFactoryError("Stopped before it was done", { cause: error, exitCode: ExitCode.interrupted });
  }
}

/** The command that a wrong command line is about, as far as that can be understood. */
function firstMentioned(args: string[]): CommandRow | undefined {
  return args.map((arg) => COMMANDS.find(({ name }) => name === arg)).find((row) => row !== undefined);
}

/** Says on standard error what failed. For a verb, also prints an answer for Symphony. */
function report(error: unknown, row: CommandRow | undefined): void {
  const message = describeError(error);
  if (row?.failed) {
    writeError(`hostfactory ${row.name}: ${message}`);
    return writeJson({ message, ...row.failed }, { indent: 4 });
  }
  writeError(`hostfactory: ${message}`);
  if (error instanceof UsageError && error.help) {
    for (const line of ["", ...error.help.trimEnd().split("\n")]) writeError(line);
  }
}
