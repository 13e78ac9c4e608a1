import { Command, CommanderError, type OutputConfiguration } from "commander";
import type { Environment, GlobalOptions } from "../config.ts";
import { nearestName } from "../nearest_name.ts";
import { versionLine } from "../version.ts";
import type { CommandLine, CommandRow } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_OPTIONS } from "./global_options.ts";
import { UsageError } from "./usage_error.ts";

/** Words that ask for help, on one command or for the list of all. */
const HELP: readonly string[] = ["-h", "--help", "help"];

/** The width of help that is not shown on a terminal. */
const USUAL_WIDTH = 80;

/**
 * Reads any command line.
 * @param options `width`: characters in a line of the terminal
 * @returns the command that is called, or the text that is asked for: help, the version, or completions
 * @throws UsageError if it is wrong
 */
export async function readCommandLine(
  args: string[],
  environment: Environment,
  { width = USUAL_WIDTH }: { width?: number } = {},
): Promise<CommandLine | string> {
  if (args[0] === "version" || args.join(" ") === "help version") return `${versionLine}\n`;
  if (args[0] === "completion" && args[1] === "words") return await wordsFor(args.slice(2), environment);
  let said = "";
  let complaint = "";
  const called: CommandLine[] = [];
  const asksForHelp = args.some((arg) => HELP.includes(arg));
  const mentioned = COMMANDS.filter(({ name }) => args.includes(name));
  // The command that is called is among them. The list of all shows what each of them takes.
  const loaded = mentioned.length === 0 || asksForHelp ? COMMANDS : mentioned;
  const program = await declareProgram(environment, {
    loaded,
    called: (line) => called.push(line),
    output: { writeOut: (text) => said += text, writeErr: (text) => complaint += text },
  });
  if (asksForHelp || args.length === 0) await layOut(program, width);
  checkTopic(program, args);
  try {
    // Commander takes one word after `help`.
    const parsed = args[0] === "help" && args.length > 2 ? [...args.slice(1), "--help"] : args;
    await program.parseAsync(parsed, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return said;
    // If no command was given, commander's message is the list of commands.
    if (error.code === "commander.help") {
      throw new UsageError("no command was given", { cause: error, help: complaint });
    }
    throw usageError(error, calledCommand(program, args));
  }
  return called[0] ?? said;
}

/** The completions of a command line, one on each line. @param args `--`, and the words that are there already */
async function wordsFor([_, ...words]: string[], environment: Environment): Promise<string> {
  const [{ completeWords }, { namesFromEnvironment }] = await Promise.all([
    import("./complete_words.ts"),
    import("./names_from_environment.ts"),
  ]);
  const output = { writeOut() {}, writeErr() {} };
  const program = await declareProgram(environment, { loaded: COMMANDS, called() {}, output });
  return completeWords(program, words, namesFromEnvironment(words, environment)).map((word) => `${word}\n`).join("");
}

/** The whole program for commander. @param options `called`: gets the command that is called */
export async function declareProgram(
  environment: Environment,
  { loaded, called, output }: {
    loaded: readonly CommandRow[];
    called: (line: CommandLine) => void;
    output: OutputConfiguration;
  },
): Promise<Command> {
  const program = new Command("hostfactory")
    .description("Lets IBM Spectrum Symphony burst its grid onto Kubernetes")
    .version(versionLine, "-V, --version", "print the version")
    .showSuggestionAfterError(false)
    .configureOutput(output)
    .exitOverride();
  for (const option of GLOBAL_OPTIONS) program.option(...option);
  for (const row of COMMANDS) {
    const command = program.command(row.name).description(row.summary);
    if (!loaded.includes(row)) continue;
    const body = await row.load();
    body.declare(command, environment);
    for (const leaf of command.commands.length > 0 ? command.commands : [command]) {
      const path = leaf === command ? [row.name] : [row.name, leaf.name()];
      leaf.action(() => called({ row, path, args: leaf.args, options: leaf.optsWithGlobals<GlobalOptions>() }));
    }
  }
  return program;
}

async function layOut(program: Command, width: number): Promise<void> {
  const { addHelpTexts, helpLayout } = await import("./help.ts");
  const layout = (command: Command, path: readonly string[]) => {
    command.configureHelp(helpLayout(width));
    addHelpTexts(command, path, width);
    for (const below of command.commands) layout(below, [...path, below.name()]);
  };
  layout(program, []);
}

/** @throws UsageError if help is asked for a command that does not exist */
function checkTopic(program: Command, args: string[]): void {
  const at = args.indexOf("help");
  if (at < 0) return;
  let command = calledCommand(program, args.slice(0, at));
  for (const topic of args.slice(at + 1).filter((arg) => !arg.startsWith("-"))) {
    const below = command.commands.find((one) => one.name() === topic);
    if (!below) {
      if (command.commands.length === 0) return;
      throw new UsageError(`there is no command '${topic}'`, { hint: hintFor(command, topic) });
    }
    command = below;
  }
}

/** The command that a command line calls, as far as that can be understood. */
function calledCommand(program: Command, args: readonly string[]): Command {
  let command = program;
  for (const arg of args) command = command.commands.find((one) => one.name() === arg) ?? command;
  return command;
}

function usageError(error: CommanderError, command: Command): UsageError {
  const message = error.message.replace(/^error: /, "");
  const [, wrong = ""] = /'(.*)'/s.exec(message) ?? [];
  return new UsageError(message, { cause: error, hint: hintFor(command, wrong) });
}

/** A hint with the command or option that was most likely meant, and how to get help. */
function hintFor(command: Command, wrong: string): string {
  const words: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) words.unshift(one.name());
  const options = [...command.options, ...rootOf(command).options];
  const known = wrong.startsWith("-")
    ? ["--help", ...options.flatMap(({ long }) => long ? [long] : [])]
    : command.commands.map((one) => one.name());
  const nearest = nearestName(wrong.split("=", 1)[0] ?? "", known) ?? nearestBelow(command, wrong);
  const meant = nearest === undefined ? "" : `did you mean '${nearest}'? `;
  return `${meant}see '${words.join(" ")} --help'`;
}

/** The nearest name among subcommands: `admin list-machines`. */
function nearestBelow(command: Command, wrong: string): string | undefined {
  const below = command.commands.flatMap((group) =>
    group.commands.map((one) => [one.name(), `${group.name()} ${one.name()}`] as const)
  );
  const nearest = nearestName(wrong, below.map(([name]) => name));
  return below.find(([name]) => name === nearest)?.[1];
}

function rootOf(command: Command): Command {
  let root = command;
  while (root.parent) root = root.parent;
  return root;
}
