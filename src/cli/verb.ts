import { Command } from "commander";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { logger } from "../log.ts";
import { openProvider, type Provider } from "../verbs/provider.ts";
import { type Cli, configure } from "./cli.ts";
import { readInput } from "./input.ts";
import { writeError, writeJson } from "./output.ts";

/** One of the five verbs that Symphony's provider scripts call. */
export interface Verb {
  name: string;
  description: string;
  /** What the answer holds beside its message where the verb failed. */
  failed: object;
  /** The question where no file is given; absent: it is read from standard input. */
  defaultInput?: unknown;
  answer: (provider: Provider, input: unknown) => Promise<object>;
}

/** The command of a verb: reads one JSON document, prints one JSON document, whatever happens. */
export function verbCommand(cli: Cli, verb: Verb): Command {
  const { defaultInput } = verb;
  return new Command(verb.name)
    .description(verb.description)
    .argument("[file]", "the input as JSON; - for standard input")
    .option("-f, --file <file>", "the same, as Symphony gives it")
    .action(async (argument: string | undefined, options: { file?: string }, command: Command) => {
      const path = options.file ?? argument ?? (defaultInput === undefined ? "-" : undefined);
      let input: unknown, answer: object;
      try {
        const config = configure(cli, command, { defaultLogLevel: "warning" });
        const warn = (text: string) => writeError(`hostfactory ${verb.name}: ${text}`);
        const provider = openProvider(config, { ...cli, warn });
        input = path === undefined ? defaultInput : await readInput(cli.files, path);
        answer = await verb.answer(provider, input);
      } catch (error) {
        logger("verb").info(verb.name, { error: describeError(error) });
        cli.exitCode = error instanceof HostFactoryError ? error.exitCode : ExitCode.failure;
        return await writeFailure(verb, describeError(error));
      }
      // What was accepted is answered as such, whatever fails from here on.
      await writeJson(answer, { indent: 4 });
      logger("verb").info(verb.name, { input: summary(input), answer: summary(answer) });
    });
}

/** Prints the answer of a verb that failed, and tells people the same on standard error. */
export async function writeFailure(verb: Verb, message: string): Promise<void> {
  writeError(`hostfactory ${verb.name}: ${message}`);
  await writeJson({ message, ...verb.failed }, { indent: 4 });
}

/** A document for the log, cut to a line that can be read. */
function summary(document: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(document);
  } catch {
    return "(nested too deep to show)";
  }
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}
