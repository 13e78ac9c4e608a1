import { parseArgs } from "node:util";
import type { CommandLine } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { GLOBAL_OPTIONS, type OptionText } from "./global_options.ts";
import { FILE_OPTION, type VerbOptions } from "./verb.ts";

/**
 * Reads ordinary command lines of verbs. All others, right or wrong, are left to `readCommandLine`, which reads the
 * ordinary ones in the same way, but takes as long as all the rest of a verb's start.
 * @returns `undefined` for a command line that is left to `readCommandLine`
 */
export function readVerbLine(args: string[]): CommandLine<VerbOptions> | undefined {
  const mentioned = COMMANDS.filter(({ name, failed }) => failed && args.includes(name));
  if (mentioned.length === 0) return undefined;
  try {
    const options = Object.fromEntries([...GLOBAL_OPTIONS, FILE_OPTION].map(declaration));
    const { values, tokens } = parseArgs({ args, options, allowPositionals: true, tokens: true });
    if (tokens.some(({ kind }) => kind === "option-terminator")) return undefined;
    const [called, ...rest] = tokens.filter((token) => token.kind === "positional");
    const row = mentioned.find(({ name }) => name === called?.value);
    // Before the command, only options of the program count.
    const isEarly = tokens.some((token) =>
      token.kind === "option" && token.name === "file" && token.index < called!.index
    );
    if (!row || rest.length > 1 || isEarly) return undefined;
    const named = Object.entries(values).map(([name, value]) => [camelCase(name), value]);
    return { row, path: [row.name], args: rest.map(({ value }) => value), options: Object.fromEntries(named) };
  } catch {
    return undefined; // It is an unknown option, lacks its value, or asks for help.
  }
}

/** `["file", { type: "string", short: "f" }]` for `-f, --file <file>`. */
function declaration([flags]: OptionText): [string, { type: "string" | "boolean"; short?: string }] {
  const [, short, name = "", value] = /^(?:-(\w), )?--([\w-]+)( <\w+>)?$/.exec(flags) ?? [];
  return [name, { type: value ? "string" : "boolean", ...(short ? { short } : {}) }];
}

/** `logFile` for `log-file`. */
function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
