import { Command, CommanderError, type OutputConfiguration } from "commander";
import { systemClock } from "../clock.ts";
import { systemEnvironment } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { systemFiles } from "../files.ts";
import { systemRandom } from "../random.ts";
import { commit, version } from "../version.ts";
import type { Cli } from "./cli.ts";
import { demoCommand } from "./demo.ts";
import { getAvailableTemplates } from "./get_available_templates.ts";
import { getRequestStatus } from "./get_request_status.ts";
import { getReturnRequests } from "./get_return_requests.ts";
import { writeError, writeOutput } from "./output.ts";
import { rebuildCommand } from "./rebuild.ts";
import { requestMachines } from "./request_machines.ts";
import { requestReturnMachines } from "./request_return_machines.ts";
import { runCronCommand } from "./run_cron.ts";
import { serveCommand } from "./serve.ts";
import { simulateCommand } from "./simulate.ts";
import { verbCommand, writeFailure } from "./verb.ts";
import { watchCommand } from "./watch.ts";

const VERBS = [getAvailableTemplates, requestMachines, getRequestStatus, requestReturnMachines, getReturnRequests];

/** Runs the command line and gives the exit status. Never throws. */
export async function run(args: string[]): Promise<number> {
  const cli: Cli = {
    environment: systemEnvironment(),
    files: systemFiles,
    clock: systemClock,
    random: systemRandom,
    exitCode: ExitCode.ok,
  };
  let said = "";
  let complaint = "";
  const output = { writeOut: (text: string) => said += text, writeErr: (text: string) => complaint += text };
  try {
    await program(cli, output).parseAsync(args, { from: "user" });
    if (said) await writeOutput(said);
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      await writeOutput(said);
      return ExitCode.ok;
    }
    const message = error instanceof CommanderError ? usageMessage(error) : describeError(error);
    const verb = VERBS.find(({ name }) => args.includes(name));
    if (verb) await writeFailure(verb, message);
    else {
      writeError(`hostfactory: ${message}`);
      // Where no command was given, what commander says is which there are.
      if (isHelp(error)) { for (const line of ["", ...complaint.trimEnd().split("\n")]) writeError(line); }
    }
    if (error instanceof HostFactoryError) return error.exitCode;
    return error instanceof CommanderError ? ExitCode.usage : ExitCode.failure;
  }
}

/** What is wrong with a command line. */
function usageMessage(error: CommanderError): string {
  return isHelp(error) ? "no command was given" : error.message.replace(/^error: /, "");
}

function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help";
}

function program(cli: Cli, output: OutputConfiguration): Command {
  const program = new Command("hostfactory")
    .description("Lets IBM Spectrum Symphony burst its grid onto Kubernetes")
    .version(`hostfactory ${version} (${commit})`, "--version")
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
  for (const verb of VERBS) program.addCommand(verbCommand(cli, verb));
  program.addCommand(serveCommand(cli)).addCommand(watchCommand(cli)).addCommand(runCronCommand(cli));
  program.addCommand(rebuildCommand(cli)).addCommand(simulateCommand(cli)).addCommand(demoCommand(cli));
  tame(program, output);
  return program;
}

/** Makes a command and those below it report what they would print and throw what they would exit with. */
function tame(command: Command, output: OutputConfiguration): void {
  command.exitOverride().configureOutput(output);
  for (const below of command.commands) tame(below, output);
}
