import { Option } from "commander";
import { HostFactoryError } from "../errors.ts";
import type { LintResult } from "../lint/lint.ts";
import type { SecurityProfile } from "../lint/pod_security.ts";
import type { Output } from "../lint/report.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { isPlain, writeJson, writeOutput, writeStyled } from "./output.ts";

interface Options {
  output: Output;
  disable: string[];
  securityProfile?: SecurityProfile;
  server?: boolean;
}

export const lint: CommandBody = {
  declare(command) {
    command
      .argument("[files...]", "templates files, pod manifests, registrations; none: the templates of --confdir")
      .addOption(
        new Option("--output <format>", "the format of the findings").choices(
          ["text", "json", "sarif", "github"] satisfies Output[],
        )
          .default("text"),
      )
      .option("--disable <rule>", "leave out what a rule finds; may be given more than once", collect, [])
      .addOption(
        new Option("--security-profile <profile>", "hold pods to a profile of the Pod Security Standards")
          .choices(["baseline", "restricted"] satisfies SecurityProfile[]),
      )
      .option("--server", "ask the cluster, too: a dry run of each pod, what serve may do, quotas")
      .option("--kubeconfig <file>", "with --server: where the cluster is and how to log in (KUBECONFIG)")
      .option("--namespace <name>", "with --server: where pods live; default: the kubeconfig's");
  },
  run: lintFiles,
};

/** @throws HostFactoryError with the number of findings, if there are errors or warnings */
async function lintFiles(call: Call<Options>): Promise<void> {
  const { cli, args, options } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const { runLint } = await import("../lint/run_lint.ts");
  const currentDirectory = Deno.cwd();
  const linted = await runLint(cli, config, {
    paths: args.map((path) => path.startsWith("/") ? path : `${currentDirectory}/${path}`),
    currentDirectory,
    profile: options.securityProfile,
    disabled: options.disable,
    asksServer: options.server ?? false,
    signal: call.stopping,
  });
  await write(linted, { output: options.output, plain: isPlain(cli.environment) });
}

async function write(
  { findings, files }: LintResult,
  { output, plain }: { output: Output; plain: boolean },
): Promise<void> {
  const { countsOf, githubReport, isFailure, jsonReport, sarifReport, textReport } = await import("../lint/report.ts");
  if (output === "json") writeJson(jsonReport(findings, files), { indent: 2 });
  else if (output === "sarif") writeJson(sarifReport(findings), { indent: 2 });
  else if (output === "github") writeOutput(githubReport(findings));
  else writeStyled(textReport(findings), { plain });
  if (isFailure(findings)) throw new HostFactoryError(`lint found ${countsOf(findings)}`);
  if (output !== "text") return;
  const found = findings.length === 0 ? "nothing to mend" : countsOf(findings);
  writeOutput(`${files.length} ${files.length === 1 ? "file" : "files"}: ${found}\n`);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
