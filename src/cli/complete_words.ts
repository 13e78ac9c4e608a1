import { MACHINE_STEPS } from "../admin/timeline.ts";
import { MACHINE_STATES } from "../hf/status.ts";
import type { Command, Option } from "commander";

/** The names in the work directory and the templates file; empty if they cannot be read. */
export interface KnownNames {
  templates: () => string[];
  requests: () => string[];
  returns: () => string[];
  machines: () => string[];
  nodes: () => string[];
}

/** Words are completed by at most so many: a shell shows no more than a person can read. */
const MOST_WORDS = 1_000;

/**
 * The words that may stand in the last place of a command line.
 * @param words those after the program's name, the last of which is to be completed
 */
export function completeWords(program: Command, words: readonly string[], names: KnownNames): string[] {
  const begun = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  let command = program;
  for (const word of before) command = command.commands.find((one) => one.name() === word) ?? command;
  const options = [...command.options, ...program.options];
  const last = before.at(-1);
  const called = options.find(({ long, short }) => last !== undefined && (long === last || short === last));
  const fitting = candidates(command, { begun, option: takesValue(called) ? called : undefined, options, names });
  return [...new Set(fitting)].filter((word) => word.startsWith(begun)).slice(0, MOST_WORDS);
}

function takesValue(option: Option | undefined): option is Option {
  return option !== undefined && (option.required || option.optional);
}

function candidates(
  command: Command,
  { begun, option, options, names }: {
    begun: string;
    option: Option | undefined;
    options: readonly Option[];
    names: KnownNames;
  },
): string[] {
  if (option) return option.argChoices ?? namesFor(option.attributeName(), names);
  if (begun.startsWith("-")) return ["--help", ...options.flatMap(({ long }) => long ? [long] : [])];
  if (command.commands.length > 0) {
    return command.createHelp().visibleCommands(command).map((one) => one.name());
  }
  return command.registeredArguments.flatMap((argument) => namesFor(argument.name(), names));
}

/** The names that can stand for an option or argument of this name. */
function namesFor(name: string, { templates, requests, returns, machines, nodes }: KnownNames): string[] {
  switch (name) {
    case "template":
    case "templateId":
      return templates();
    case "request":
      return [...requests(), ...returns()];
    case "machine":
    case "machines":
    case "pods":
      return machines();
    case "state":
      return [...MACHINE_STATES];
    case "fromEvent":
    case "toEvent":
      return [...MACHINE_STEPS];
    case "node":
    case "nodes":
      return nodes();
    case "name":
      return [...requests(), ...returns(), ...machines(), ...nodes()];
    default:
      return [];
  }
}
