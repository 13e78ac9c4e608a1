import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import { openProvider, type Provider } from "../verbs/provider.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import type { OptionText } from "./global_options.ts";
import { readInput } from "./input.ts";
import { writeError, writeJson } from "./output.ts";
import { recordIo } from "../verbs/input_and_output.ts";

/** The options of a verb. */
export interface VerbOptions {
  file?: string;
}
export const FILE_OPTION: OptionText = ["-f, --file <file>", "the same, as Symphony gives it"];

type Answer = (provider: Provider, input: unknown) => object | Promise<object>;

/**
 * The command for one of the five verbs that Symphony's provider scripts call. Reads one JSON document and, whatever
 * happens, prints one JSON document.
 * @param options `defaultInput`: the question if no file is given; absent: standard input is read then
 */
export function verb(answer: Answer, options: { defaultInput?: unknown } = {}): CommandBody {
  return {
    declare(command) {
      command.argument("[file]", "the input as JSON; - for standard input").option(...FILE_OPTION);
    },
    run: (call: Call<VerbOptions>) => answerCall(call, answer, options),
  };
}

async function answerCall(
  call: Call<VerbOptions>,
  answer: Answer,
  { defaultInput }: { defaultInput?: unknown },
): Promise<void> {
  const { cli, row, args, options } = call;
  const path = options.file ?? args[0] ??
    (defaultInput === undefined ? "-" : undefined);
  let input: unknown, answered: object, provider: Provider, hasLogFile = false;
  try {
    const config = configure(call, { defaultLogLevel: "warning" });
    hasLogFile = config.logFile !== undefined; // Without a log file, standard error has the message anyway.
    const warn = (text: string) => writeError(`hostfactory ${row.name}: ${text}`);
    provider = openProvider(config, { ...cli, warn, recordsEvents: true });
    input = path === undefined ? defaultInput : readInput(cli.files, path);
    answered = await answer(provider, input);
  } catch (error) {
    if (hasLogFile) logger("verb").warn(row.name, { error: describeError(error) });
    throw error;
  }
  // From here on, a request that was accepted is answered so, whatever fails.
  writeJson(answered, { indent: 4 });
  if (provider.config.recordsIo) {
    await provider.workdir.prepare().catch(() => {}); // Recording reports what prevents it.
    recordIo(provider, row.name, { input, output: answered });
  }
  logger("verb").info(row.name, { input: summary(input), answer: summary(answered) });
}

/** A document as one line for the log, cut to a readable length. */
function summary(document: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(document);
  } catch {
    return "(nested too deep to show)";
  }
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}
