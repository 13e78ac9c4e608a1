import { Command, CommanderError } from "commander";
import { systemClock } from "../clock.ts";
import { systemEnvironment } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { systemFiles } from "../files.ts";
import { systemRandom } from "../random.ts";
import { versionLine } from "../version.ts";
import type { Call, CommandBody, CommandRow } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { writeError, writeJson, writeOutput } from "./output.ts";
import { stopSignals } from "./signals.ts";

/** Each asks for help, on a command or as the list of them. */
const HELP: readonly string[] = ["-h", "--help", "help"];

/** Runs the command line and gives the exit status. Never throws. */
export async function run(args: string[]): Promise<number> {
  const cli = { environment: systemEnvironment(), files: systemFiles, clock: systemClock, random: systemRandom };
  let said = "";
  let complaint = "";
  let called: CommandRow | undefined;
  try {
    const program = globalCommand().exitOverride().configureOutput({
      writeOut: (text) => said += text,
      writeErr: (text) => complaint += text,
    });
    const mentioned = COMMANDS.filter(({ name }) => args.includes(name));
    // The command that is called is among them. The list of all shows what each of them takes.
    const loaded = mentioned.length === 0 || args.some((arg) => HELP.includes(arg)) ? COMMANDS : mentioned;
    for (const row of COMMANDS) {
      const command = program.command(row.name).description(row.summary);
      if (!loaded.includes(row)) continue;
      const body = await row.load();
      body.declare(command, cli.environment);
      for (const leaf of command.commands.length > 0 ? command.commands : [command]) {
        leaf.action(() => start(body, { cli, row: called = row, command: leaf }));
      }
    }
    await program.parseAsync(args, { from: "user" });
    if (said) await writeOutput(said);
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      await writeOutput(said);
      return ExitCode.ok;
    }
    await report(error, { row: called ?? firstMentioned(args), complaint });
    if (error instanceof HostFactoryError) return error.exitCode;
    return error instanceof CommanderError ? ExitCode.usage : ExitCode.failure;
  }
}

/** The command that a command line is about, as far as one that is wrong can be understood. */
function firstMentioned(args: string[]): CommandRow | undefined {
  return args.map((arg) => COMMANDS.find(({ name }) => name === arg)).find((row) => row !== undefined);
}

/** Runs a command, which signals to stop do with as its row says. */
async function start(body: CommandBody, call: Omit<Call, "stopping">): Promise<void> {
  const { signals } = call.row;
  if (signals === "end") return await body.run({ ...call, stopping: new AbortController().signal });
  using stop = stopSignals();
  const ended = body.run({ ...call, stopping: stop.first });
  await (signals === "drain" ? ended : Promise.race([ended, stop.second]));
}

/**
 * Tells people on standard error what failed, and where a verb was asked, Symphony by its answer.
 * @param options `complaint`: what commander says beside its error
 */
async function report(error: unknown, { row, complaint }: { row: CommandRow | undefined; complaint: string }) {
  const message = error instanceof CommanderError ? usageMessage(error) : describeError(error);
  if (row?.failed) {
    writeError(`hostfactory ${row.name}: ${message}`);
    return await writeJson({ message, ...row.failed }, { indent: 4 });
  }
  writeError(`hostfactory: ${message}`);
  // Where no command was given, what commander says is which there are.
  if (isHelp(error)) { for (const line of ["", ...complaint.trimEnd().split("\n")]) writeError(line); }
}

/** What is wrong with a command line. */
function usageMessage(error: CommanderError): string {
  return isHelp(error) ? "no command was given" : error.message.replace(/^error: /, "");
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help";
}

/** The program with its global options, without any command. */
function globalCommand(): Command {
  return new Command("hostfactory")
    .description("Lets IBM Spectrum Symphony burst its grid onto Kubernetes")
    .version(versionLine, "--version")
    .option("--workdir <directory>", "work directory (HF_K8S_WORKDIR, HF_PROVIDER_WORKDIR)")
    .option("--confdir <directory>", "where k8sprov_templates.json is (HF_K8S_PROVIDER_CONFDIR, HF_PROVIDER_CONFDIR)")
    .option("--log-level <level>", "debug, info, warning, error or critical")
    .option("--log-file <file>", "log there, not to standard error (HF_K8S_LOG_FILE, HF_PROVIDER_LOGDIR)")
    .option(
      "--request-id <id>",
      "the id for a new request: the same id and content is the same request (HF_K8S_REQUEST_ID)",
    )
    .option(
      "--instance <name>",
      "the provider instance that pods are labelled with (HF_K8S_INSTANCE, HF_PROVIDER_NAME)",
    )
    .option(
      "--on-partial-failure <status>",
      "what a request is called of which some machines are good and some failed: complete_with_error or complete " +
        "(HF_K8S_ON_PARTIAL_FAILURE)",
    )
    .option(
      "--shared-workdir",
      "trust whoever may write in the work directory, whose modes are as the umask says (HF_K8S_SHARED_WORKDIR=1)",
    )
    .option("--proxy <url>", "proxy on the way to the API server");
}
