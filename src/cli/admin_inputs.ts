import type { Command } from "commander";
import { configure } from "./cli.ts";
import type { Call } from "./command.ts";
import { writeOutput } from "./output.ts";
import { wholeNumber } from "./options.ts";

export interface InputOptions {
  templateId: string;
  count: number;
  returnRequests?: boolean;
}

/** The commands that print the input of a verb of the same name. */
export function declareInputs(command: Command): void {
  command.command("request-machines").description("Print the input of request-machines")
    .option("--template-id <id>", "the template", "Template-K8s-A")
    .option("--count <n>", "how many machines", wholeNumber(1, 30_000), 1);
  command.command("request-return-machines").description("Print the input of request-return-machines")
    .argument("[machines...]", "the machines to give back");
  command.command("get-request-status").description("Print the input of get-request-status for every request")
    .option("--return-requests", "for every return request");
  command.command("get-return-requests").description("Print the input of get-return-requests for every machine");
}

/** Prints the input of the verb that has the command's name. */
export async function printInput(call: Call<InputOptions>): Promise<void> {
  writeOutput(`${inlineJson(await inputOf(call))}\n`);
}

async function inputOf(call: Call<InputOptions>): Promise<object> {
  const { path, args, options } = call;
  switch (path.at(-1)) {
    case "request-machines":
      return { template: { templateId: options.templateId, machineCount: options.count } };
    case "request-return-machines":
      return { machines: args.map((name) => ({ machineId: name, name })) };
    case "get-request-status": {
      const { workdir, allRequestIds } = await open(call);
      const ids = allRequestIds(workdir, { returns: options.returnRequests ?? false });
      return { requests: ids.map((requestId) => ({ requestId })) };
    }
    default: {
      const { workdir, allMachineNames } = await open(call);
      return { machines: allMachineNames(workdir).map((name) => ({ name })) };
    }
  }
}

async function open(call: Call) {
  const config = configure(call, { defaultLogLevel: "warning" });
  const [{ openForReading }, names] = await Promise.all([
    import("../admin/open_picture.ts"),
    import("../admin/machine_names.ts"),
  ]);
  return { ...names, workdir: openForReading(config, call.cli).workdir };
}

/** JSON in one line as the legacy plug-in prints it: `{"machines": [{"name": "a"}, {"name": "b"}]}`. */
function inlineJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inlineJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${inlineJson(one)}`).join(", ")}}`;
}
