import { Command } from "commander";
import { type Cli, sharedOption, watchTimeout } from "./cli.ts";
import { watchUntilStopped } from "./daemon.ts";

/** What each watcher does, for a site that keeps a process for each. */
const WATCHERS = {
  "request-machines": "Create the pods of requested machines",
  "request-return-machines": "Delete the pods of returned machines",
  pods: "Follow the pods and write down what they do; remove what is long past",
  nodes: "Follow the nodes and write down which are about to go",
} as const;

interface Options {
  createConcurrency: number;
  serverTimeoutSeconds: number;
  retainRequests: number;
  retainMachines: number;
}

export function watchCommand(cli: Cli): Command {
  const watch = new Command("watch").description("Run one watcher alone");
  for (const [name, description] of Object.entries(WATCHERS)) {
    const command = new Command(name).description(description)
      .addOption(sharedOption.kubeconfig())
      .addOption(sharedOption.namespace())
      .addOption(sharedOption.acceptCluster())
      .addOption(sharedOption.acceptInstance())
      .addOption(sharedOption.concurrency())
      .addOption(sharedOption.serverTimeout(cli.environment))
      .action(async (options: Options, command: Command) => {
        const { retainRequests: retainSeconds, retainMachines } = options;
        await watchUntilStopped(cli, command, {
          watchers: [name as keyof typeof WATCHERS],
          concurrency: options.createConcurrency,
          podTimeoutSeconds: 0,
          imagePullGraceSeconds: 0,
          watchTimeoutSeconds: watchTimeout(options.serverTimeoutSeconds),
          ...(name === "pods" ? { retention: { retainSeconds, retainMachines } } : {}),
        });
      });
    if (name === "pods") command.addOption(sharedOption.retainRequests()).addOption(sharedOption.retainMachines());
    watch.addCommand(command);
  }
  return watch;
}
