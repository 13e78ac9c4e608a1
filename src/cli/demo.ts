import type { DemoProgress, DemoStep } from "../admin/demo.ts";
import { plainLine } from "../plain_text.ts";
import { integerBetween } from "../random.ts";
import type { Call, CommandBody } from "./command.ts";
import { wholeNumber } from "./options.ts";
import { self } from "./self.ts";
import { outputIsTerminal, overwriteLine, writeOutput } from "./output.ts";

interface Options {
  machines: number;
  kubeconfig?: string;
  keep?: boolean;
}

/** Characters in a progress bar. */
const BAR = 30;

export const demo: CommandBody = {
  declare(command) {
    command
      .option("--machines <n>", "machines to ask for", wholeNumber(3, 10_000), 50)
      .option("--kubeconfig <file>", "play it on this cluster, in the namespace of its context")
      .option("--keep", "keep the directory with everything that was written");
  },
  run: play,
};

async function play({ cli, options, stopping }: Call<Options>): Promise<void> {
  const { machines, kubeconfig, keep = false } = options;
  const { runDemo } = await import("../admin/demo.ts");
  const tag = integerBetween(cli.random, 0, 2 ** 30).toString(36);
  const directory = `${cli.environment["TMPDIR"] ?? "/tmp"}/hostfactory-demo-${tag}`;
  cli.files.makeDirectory(directory);
  const steps: DemoStep[] = [];
  const isTerminal = outputIsTerminal();
  const startedMs = cli.clock.monotonic();
  let isDone = false;
  try {
    await runDemo({
      ...cli,
      self: self(),
      directory,
      machines,
      kubeconfig,
      instance: `demo-${tag}`,
      signal: stopping,
      progress: (progress) => isTerminal && overwriteLine(line(progress)),
    }, (step) => {
      steps.push(step);
      void (isTerminal ? overwriteLine(`✓ ${step.step}\n`) : writeOutput(`${step.step}: ${plainLine(step.result)}\n`));
    });
    isDone = true;
  } finally {
    if (isTerminal && !isDone) writeOutput("\n");
    writeOutput(`\n${table(steps)}`);
    if (isDone && !keep) cli.files.removeTree(directory, { followLinks: true });
    else writeOutput(`Everything that was written is in ${directory}\n`);
  }
  const seconds = ((cli.clock.monotonic() - startedMs) / 1000).toFixed(1);
  writeOutput(`Every step came out right, in ${seconds} s.\n`);
}

function line({ step, done, total }: DemoProgress): string {
  if (total === 0) return `… ${step}`;
  const full = Math.round(BAR * done / total);
  return `… ${step} ${"█".repeat(full)}${"░".repeat(BAR - full)} ${done}/${total}`;
}

function table(steps: DemoStep[]): string {
  const rows = steps.map(({ step, result, ms }) => [step, (ms / 1000).toFixed(2), plainLine(result)]);
  const wide = Math.max(4, ...steps.map(({ step }) => step.length));
  return [["step", "s", "what came of it"], ...rows]
    .map(([step = "", seconds = "", result = ""]) => `${step.padEnd(wide)}  ${seconds.padStart(6)}  ${result}\n`).join(
      "",
    );
}
