import type { Command } from "commander";
import type { ChosenPod } from "../admin/disruption.ts";
import { ExitCode, HostFactoryError } from "../errors.ts";
import { configure } from "./cli.ts";
import type { Call } from "./command.ts";
import { isConfirmed } from "./input.ts";
import { addPlaceOptions, wholeNumber } from "./options.ts";
import { writeError, writeOutput } from "./output.ts";

export interface ClusterOptions {
  count: number;
  sleep: number;
  timeout: number;
  yes?: boolean;
  dryRun?: boolean;
  cordon?: boolean;
}

/** The commands that remove pods from the cluster: `delete-pods` and `drain-nodes`. */
export function declareCluster(command: Command): void {
  const commands = [
    command.command("delete-pods").argument("[pods...]", "these; default: drawn at random")
      .description("Delete pods of this instance, as others might, to see what Symphony does"),
    command.command("drain-nodes").argument("[nodes...]", "these; default: drawn at random")
      .description("Evict the pods of this instance from nodes, as disruption budgets allow")
      .option("--cordon", "first stop these nodes from taking new pods, until 'kubectl uncordon'"),
  ];
  for (const one of commands) {
    addPlaceOptions(one)
      .option("--count <n>", "how many, if none is named; 0: all", wholeNumber(0), 1)
      .option("--sleep <seconds>", "how often to look whether they are gone", wholeNumber(1, 3_600), 5)
      .option("--timeout <seconds>", "how long to wait until they are gone", wholeNumber(1), 300)
      .option("--yes", "do not ask; needed in a pipe")
      .option("--dry-run", "show which pods would go, and do nothing");
  }
}

export async function deletePods(call: Call<ClusterOptions>): Promise<void> {
  const { context, choosePods, deleteChosen } = await open(call);
  const chosen = await choosePods(context, { names: call.args, count: call.options.count });
  if (!await mayGo(call, chosen, "Delete")) return;
  const gone = await deleteChosen(context, chosen, timesOf(call));
  writeOutput(`Deleted ${gone} ${gone === 1 ? "pod" : "pods"}\n`);
}

export async function drainNodes(call: Call<ClusterOptions>): Promise<void> {
  const { context, choosePodsOnNodes, evictChosen } = await open(call);
  const chosen = await choosePodsOnNodes(context, { names: call.args, count: call.options.count });
  const { cordon: cordons = false } = call.options;
  if (!await mayGo(call, chosen, cordons ? "Cordon the nodes, and evict" : "Evict")) return;
  const gone = await evictChosen(context, chosen, { ...timesOf(call), cordons });
  writeOutput(`Deleted ${gone} ${gone === 1 ? "pod" : "pods"} from nodes\n`);
}

async function open(call: Call<ClusterOptions>) {
  const config = configure(call, { defaultLogLevel: "warning" });
  const disruption = await import("../admin/disruption.ts");
  return { ...disruption, context: disruption.openDisruption(config, { ...call.cli, signal: call.stopping }) };
}

function timesOf({ options: { sleep, timeout } }: Call<ClusterOptions>) {
  const told = (news: string) => writeError(`hostfactory: ${news}`);
  return { sleepSeconds: sleep, timeoutSeconds: timeout, told };
}

/**
 * Shows what would go and asks.
 * @throws HostFactoryError if there is no terminal to ask on, and `--yes` was not given
 */
async function mayGo(
  { options: { yes, dryRun }, stopping }: Call<ClusterOptions>,
  chosen: readonly ChosenPod[],
  verb: string,
): Promise<boolean> {
  if (dryRun) {
    writeOutput(chosen.map(({ name, node }) => `${name}${node === "" ? "" : ` on ${node}`}\n`).join(""));
    return false;
  }
  if (yes || chosen.length === 0) return true;
  const some = chosen.slice(0, 5).map(({ name }) => name).join(", ");
  const more = chosen.length > 5 ? `, … (${chosen.length} in all)` : "";
  const answer = await isConfirmed(`${verb} ${some}${more}?`, stopping);
  if (answer === undefined) {
    throw new HostFactoryError(
      `Not done: there is no terminal to ask on about ${chosen.length} ${chosen.length === 1 ? "pod" : "pods"}`,
      {
        hint: "pass --yes to go ahead, or --dry-run to see which they are",
        exitCode: ExitCode.usage,
      },
    );
  }
  if (!answer) writeError("hostfactory: nothing was changed");
  return answer;
}
