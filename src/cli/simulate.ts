import { integerBetween } from "../random.ts";
import { configure } from "./cli.ts";
import type { Call, Cli, CommandBody } from "./command.ts";
import { wholeNumber } from "./options.ts";
import { writeError, writeOutput } from "./output.ts";

interface Options {
  port: number;
  listen: string;
  seed?: number;
  kubeconfig?: string;
  stages?: string;
  faults?: string;
  nodes: number;
  requireToken?: boolean;
}

export const simulate: CommandBody = {
  declare(command) {
    command
      .option("--port <n>", "listen there; 0: on any port that is free", wholeNumber(0, 65_535), 0)
      .option("--listen <address>", "listen on this address", "127.0.0.1")
      .option("--seed <n>", "decides everything that is left to chance; default: a new one each time", wholeNumber(0))
      .option("--kubeconfig <file>", "write a kubeconfig there; without it, print it")
      .option("--stages <file>", "what becomes of pods, as YAML or JSON")
      .option("--faults <file>", "what goes wrong, as YAML or JSON; more can be switched on at /simulator/faults")
      .option("--nodes <n>", "nodes of the cluster", wholeNumber(1, 10_000), 10)
      .option("--require-token", "refuse requests without a token");
  },
  async run(call: Call<Options>) {
    const { cli, options, stopping } = call;
    configure(call, { defaultLogLevel: "info" });
    const [{ startSimulator }, { readFaults, readStages }] = await Promise.all([
      import("../simulator/api/server.ts"),
      import("../simulator/api/document.ts"),
    ]);
    const seed = options.seed ?? integerBetween(cli.random, 1, 1_000_000);
    const simulator = startSimulator({
      seed,
      port: options.port,
      hostname: options.listen,
      nodes: { count: options.nodes },
      requireToken: options.requireToken ?? false,
      ...(options.stages === undefined ? {} : { stages: await readStages(cli.files, options.stages) }),
      ...(options.faults === undefined ? {} : { faults: await readFaults(cli.files, options.faults) }),
    });
    const kubeconfig = `${simulator.kubeconfig()}\n`;
    if (options.kubeconfig === undefined) writeOutput(kubeconfig);
    else writeWhole(cli, options.kubeconfig, kubeconfig);
    writeError(`A simulated cluster with seed ${seed} listens on ${simulator.url}; stop it with Ctrl-C`);
    const end = () => void simulator.stop();
    stopping.addEventListener("abort", end);
    if (stopping.aborted) end();
    await simulator.finished;
  },
};

/** Writes the file in one step, so that a process that waits for it finds it complete. */
function writeWhole({ files }: Cli, path: string, text: string): void {
  files.writeText(`${path}.new`, text);
  files.rename(`${path}.new`, path);
}
