import { Command, CommanderError } from "commander";
import type { Environment, GlobalOptions } from "../config.ts";
import { versionLine } from "../version.ts";
import type { CommandLine } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_OPTIONS } from "./global_options.ts";
import { UsageError } from "./usage_error.ts";

/** Each asks for help, on a command or as the list of them. */
const HELP: readonly string[] = ["-h", "--help", "help"];

/**
 * Reads any command line.
 * @returns what was called, or the text that was asked for, which is help or the version
 * @throws UsageError for one that is wrong
 */
export async function readCommandLine(args: string[], environment: Environment): Promise<CommandLine | string> {
  let said = "";
  let complaint = "";
  const called: CommandLine[] = [];
  const program = new Command("hostfactory")
    .description("Lets IBM Spectrum Symphony burst its grid onto Kubernetes")
    .version(versionLine, "--version")
    .exitOverride()
    .configureOutput({ writeOut: (text) => said += text, writeErr: (text) => complaint += text });
  for (const option of GLOBAL_OPTIONS) program.option(...option);
  const mentioned = COMMANDS.filter(({ name }) => args.includes(name));
  // The command that is called is among them. The list of all shows what each of them takes.
  const loaded = mentioned.length === 0 || args.some((arg) => HELP.includes(arg)) ? COMMANDS : mentioned;
  for (const row of COMMANDS) {
    const command = program.command(row.name).description(row.summary);
    if (!loaded.includes(row)) continue;
    const body = await row.load();
    body.declare(command, environment);
    for (const leaf of command.commands.length > 0 ? command.commands : [command]) {
      const path = leaf === command ? [row.name] : [row.name, leaf.name()];
      leaf.action(() => {
        called.push({ row, path, args: leaf.args, options: leaf.optsWithGlobals<GlobalOptions>() });
      });
    }
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return said;
    // Where no command was given, what commander says is which there are.
    if (error.code === "commander.help") {
      throw new UsageError("no command was given", { cause: error, help: complaint });
    }
    throw new UsageError(error.message.replace(/^error: /, ""), { cause: error });
  }
  return called[0] ?? said;
}
