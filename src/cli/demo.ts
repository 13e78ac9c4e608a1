import type { DemoProgress, DemoStep } from "../admin/demo.ts";
import type { Environment } from "../config.ts";
import { ExitCode } from "../errors.ts";
import { plainLine } from "../plain_text.ts";
import { integerBetween } from "../random.ts";
import type { Call, CommandBody } from "./command.ts";
import { wholeNumber } from "./options.ts";
import { self } from "./self.ts";
import { isDumb, outputColumns, outputIsTerminal, overwriteLine, writeError, writeOutput } from "./output.ts";
import { cutText, tableText, wrapText } from "./layout.ts";

interface Options {
  machines: number;
  kubeconfig?: string;
  keep?: boolean;
  page?: boolean;
}

/** How long the page stays open after the demo is done, in milliseconds. */
const PAGE_STAYS_MS = 60_000;

/** Characters in a progress bar. */
const BAR = 30;

/** What to try after the demo, and what it is. */
const NEXT_COMMANDS = [
  ["hostfactory demo --machines 500", "the same, larger"],
  ["hostfactory simulate --kubeconfig kc", "a cluster to play with"],
  ["hostfactory lint", "check your own templates"],
  ["hostfactory help", "all commands"],
] as const;

export const demo: CommandBody = {
  declare(command) {
    command
      .option("--machines <n>", "machines to ask for", wholeNumber(3, 10_000), 50)
      .option("--kubeconfig <file>", "play it on this cluster, in the namespace of its context")
      .option("--page", "show it in the live page as well; on a terminal, it stays for a minute at the end")
      .option("--keep", "keep the directory with everything that was written");
  },
  run: play,
};

async function play({ cli, options, stopping }: Call<Options>): Promise<ExitCode | void> {
  const { machines, kubeconfig, keep = false, page = false } = options;
  const { removalOfLease, runDemo } = await import("../admin/demo.ts");
  const tag = integerBetween(cli.random, 0, 2 ** 30).toString(36);
  const instance = `demo-${tag}`;
  const leftover = kubeconfig === undefined ? undefined : removalOfLease({ instance, kubeconfig });
  const directory = `${cli.environment["TMPDIR"] ?? "/tmp"}/hf-demo-${tag}`;
  cli.files.makeDirectory(directory);
  const display = new DemoDisplay(cli.environment);
  const startedMs = cli.clock.monotonic();
  let isDone = false;
  try {
    await runDemo({
      ...cli,
      self: self(),
      directory,
      machines,
      kubeconfig,
      instance,
      signal: stopping,
      ...(page ? { page: openInBrowser, pageStaysMs: display.isTerminal ? PAGE_STAYS_MS : 0 } : {}),
      progress: (progress) => display.showProgress(progress),
      ran: (command) => display.showCommand(command),
    }, (step) => display.showStep(step));
    isDone = true;
  } catch (error) {
    if (!stopping.aborted || error !== stopping.reason) throw error;
  } finally {
    if (display.isTerminal && !isDone) writeOutput("\n");
    if ((isDone || stopping.aborted) && !keep) cli.files.removeTree(directory, { followLinks: true });
    else writeOutput(`Everything that was written is in ${directory}\n`);
  }
  if (!isDone) return reportStop(leftover);
  reportSuccess(display.steps, { tookMs: cli.clock.monotonic() - startedMs, leftover });
}

/** Shows a demo while it runs: on a terminal its progress as well, in one line that is replaced. */
class DemoDisplay {
  readonly isTerminal: boolean;
  /** The steps that were shown. */
  readonly steps: DemoStep[] = [];
  readonly #width = outputColumns();

  constructor(environment: Environment) {
    this.isTerminal = outputIsTerminal() && !isDumb(environment);
  }

  showProgress(progress: DemoProgress): void {
    const width = this.#width;
    if (this.isTerminal) overwriteLine(cutText(progressLine(progress, width), width - 1));
  }

  showCommand(command: string): void {
    const text = wrapText(plainLine(command), { width: this.#width, indent: "$ ", hanging: "    " });
    if (this.isTerminal) overwriteLine(text);
    else writeOutput(text);
  }

  showStep(step: DemoStep): void {
    this.steps.push(step);
    const text = `${step.step}: ${plainLine(step.result)}`;
    if (!this.isTerminal) return writeOutput(`${text}\n`);
    overwriteLine(wrapText(text, { width: this.#width, indent: "✓ ", hanging: "  " }));
  }
}

/** @param leftover the command that deletes the lease, if the demo ran on a real cluster */
function reportStop(leftover: string | undefined): ExitCode {
  writeError("hostfactory: the demo was stopped, and what it had made is deleted");
  if (leftover !== undefined) writeError(`hostfactory: but its lease, if it had one by then: ${leftover}`);
  return ExitCode.interrupted;
}

/** @param options `leftover`: as in `reportStop` */
function reportSuccess(
  steps: DemoStep[],
  { tookMs, leftover }: { tookMs: number; leftover: string | undefined },
): void {
  writeOutput(`\n${timesTable(steps)}`);
  writeOutput(`Every step came out right, in ${(tookMs / 1000).toFixed(1)} s.\n\n`);
  if (leftover !== undefined) writeOutput(`Its lease is left on the cluster:\n  ${leftover}\n\n`);
  writeOutput("Try next:\n");
  for (const [command, purpose] of NEXT_COMMANDS) writeOutput(`  ${command}\n      ${purpose}\n`);
}

/** Opens the page in a browser if this host has a desktop. The address is printed in any case. */
function openInBrowser(url: string): void {
  const program = Deno.build.os === "darwin" ? "open" : "xdg-open";
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  try {
    new Deno.Command(program, { args: [url], ...quiet }).spawn().unref();
  } catch {
    // There is no such program.
  }
}

function progressLine({ step, done, total }: DemoProgress, width: number): string {
  if (total === 0) return `… ${step}`;
  // The bar gets the room that the text leaves; a narrow terminal has no room for one.
  const bar = Math.min(BAR, width - step.length - 14);
  if (bar < 5) return `… ${done}/${total} ${step}`;
  const full = Math.round(bar * done / total);
  return `… ${step} ${"█".repeat(full)}${"░".repeat(bar - full)} ${done}/${total}`;
}

function timesTable(steps: DemoStep[]): string {
  return tableText([["SECONDS", "STEP"], ...steps.map(({ step, ms }) => [(ms / 1000).toFixed(2), step])], {
    width: outputColumns(),
  });
}
