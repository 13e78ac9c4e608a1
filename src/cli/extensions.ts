import { type Command, Option } from "commander";
import { HostFactoryError } from "../errors.ts";
import type { ExtensionList, ExtensionPlace, ListedExtension, ListedProblem } from "../serve/extension_list.ts";
import type { TriedExtension } from "../serve/extension_trial.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { tableText } from "./layout.ts";
import { addPlaceOptions } from "./options.ts";
import { writeError, writeJson, writeOutput } from "./output.ts";

interface Options {
  output: "text" | "json";
  server?: boolean;
  template?: string;
}

const COMMANDS = {
  list: "Every registration, and what is wrong with it",
  order: "The order in which extensions are called before a pod is created",
} as const;

export const extensions: CommandBody = {
  declare(command) {
    for (const [name, description] of Object.entries(COMMANDS)) {
      addListOptions(command.command(name).description(description));
    }
    const test = command.command("test").argument("<name>")
      .description("Call an extension with a template's pod, and show what it changes");
    addListOptions(test).option("--template <id>", "whose pod; default: the first template's");
  },
  async run(call: Call<Options>) {
    if (call.path.at(-1) === "test") return await tryOne(call);
    const { options: { output, server = false }, stopping } = call;
    const config = configure(call, { defaultLogLevel: "warning" });
    const { listExtensions } = await import("../serve/extension_list.ts");
    const list = await listExtensions(call.cli, config, { server, signal: stopping });
    const isOrder = call.path.at(-1) === "order";
    if (output === "json") writeJson(isOrder ? { order: list.order } : asDocument(list, { server }), { indent: 2 });
    else {
      writeOutput(isOrder ? orderText(list.order) : listText(list));
      if (!server) writeError("Only files were looked at: --server adds what resources of the cluster register");
    }
    if (list.errors === 0) return;
    if (isOrder) { for (const { message } of errorsOf(list)) writeError(message); }
    const what = list.errors === 1 ? "1 problem" : `${list.errors} problems`;
    throw new HostFactoryError(`${what} of extensions to be mended`, isOrder ? {} : { hint: "they are listed above" });
  },
};

/** The options that all of them take. */
function addListOptions(command: Command): Command {
  return addPlaceOptions(
    command
      .addOption(new Option("--output <format>", "how to print it").choices(["text", "json"]).default("text"))
      .option("--server", "ask the cluster for the extensions that its resources register, too"),
  );
}

/** @throws HostFactoryError if no such pod would be created */
async function tryOne(call: Call<Options>): Promise<void> {
  const { options: { output, server = false, template }, args: [name = ""], stopping: signal } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const { tryExtension } = await import("../serve/extension_trial.ts");
  const tried = await tryExtension(call.cli, config, { name, template, server, signal });
  if (output === "json") writeJson(tried, { indent: 2 });
  else writeOutput(triedText(tried));
  if (tried.refusal !== undefined) throw new HostFactoryError(tried.refusal);
}

function triedText({ extension, template, tookMs, refusal, changes }: TriedExtension): string {
  const of = `the pod of template '${template}' (${tookMs} ms)`;
  if (refusal !== undefined) return `${extension} does not let ${of} be created\n`;
  if (changes.length === 0) return `${extension} has no comment on ${of}\n`;
  const lines = changes.map(({ path, before, after }) => {
    const [was, is] = [JSON.stringify(before), JSON.stringify(after)];
    if (was === undefined) return `+ ${path} ${is}`;
    return is === undefined ? `- ${path} ${was}` : `~ ${path} ${was} → ${is}`;
  });
  return [`${extension} changes ${of}:`, ...lines].map((line) => `${line}\n`).join("");
}

function asDocument({ extensions, problems }: ExtensionList, { server }: { server: boolean }): object {
  return { extensions, problems, areResourcesListed: server };
}

function errorsOf({ extensions, problems }: ExtensionList): ListedProblem[] {
  return [...problems, ...extensions.flatMap((one) => one.problems)].filter(({ severity }) => severity === "error");
}

function orderText(order: ExtensionPlace[]): string {
  if (order.length === 0) return "No extension is called before a pod is created\n";
  return tableText(order.map(({ name, after, priority }) => [
    name,
    after.length > 0 ? `after ${after.join(", ")}; priority ${priority}` : `priority ${priority}`,
  ]));
}

const HEAD = ["NAME", "STATE", "CATEGORY", "HOOKS", "PRIORITY", "POLICY", "SOURCE"];

function listText({ extensions, problems }: ExtensionList): string {
  const said = problems.map(problemText);
  if (extensions.length === 0) return ["No extension is registered\n", ...said].join("");
  const rows = tableText([HEAD, ...extensions.map(rowOf)]).split(/(?<=\n)/);
  const parts = extensions.map((one, i) => [rows[i + 1], ...one.problems.map(problemText)].join(""));
  return [rows[0], ...parts, ...said].join("");
}

function rowOf(
  { name, verdict, category, hooks, unknownHooks = [], priority, failurePolicy, source }: ListedExtension,
) {
  const kinds = [...Object.keys(hooks ?? {}), ...unknownHooks].join(",");
  const place = source.kind === "file" ? source.path : `resource ${source.name}`;
  return [name, verdict, category ?? "-", kinds || "-", String(priority ?? "-"), failurePolicy ?? "-", place];
}

function problemText({ severity, message }: ListedProblem): string {
  return `  ${severity}: ${message}\n`;
}
