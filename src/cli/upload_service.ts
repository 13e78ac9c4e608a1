import { type Command, Option } from "commander";
import { type Environment, isOn } from "../config.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { wholeNumber } from "./options.ts";

interface Options {
  host: string;
  port: number;
  platform: string;
  cluster: string;
  region: string;
  namespace: string;
  bucket: string;
  debug: boolean;
  dryRun: boolean;
}

/** Each option's variable and description. */
const REQUIRED = {
  platform: ["HFUTILS_PLATFORM", "where the grid runs: only on eks anything is uploaded"],
  cluster: ["HFUTILS_CLUSTER_NAME", "the cluster, as a part of the object's key"],
  region: ["HFUTILS_REGION", "the region: a part of the key, and the bucket's unless AWS_REGION says otherwise"],
  namespace: ["HFUTILS_NAMESPACE", "the namespace, as a part of the key"],
  bucket: ["HFUTILS_BUCKET", "the bucket"],
} as const;

/** The command `utils`, which is also run by the legacy plug-in's name `hostfactory-utils`. */
export const utils: CommandBody = {
  declare(command, environment) {
    command
      .addOption(
        withDefault(
          "--host <address>",
          "listen on this address (HFUTILS_HOST)",
          environment["HFUTILS_HOST"] || "127.0.0.1",
        ),
      )
      .addOption(
        withDefault("--port <port>", "listen there (HFUTILS_PORT)", portOf(environment["HFUTILS_PORT"])).argParser(
          wholeNumber(0, 65_535),
        ),
      );
    for (const [name, [variable, what]] of Object.entries(REQUIRED)) {
      addRequired(command, { name, variable, what }, environment);
    }
    const isSet = (name: string) => isOn(name, environment[name] || "off");
    command.addOption(withDefault("--debug", "log more (HFUTILS_DEBUG)", isSet("HFUTILS_DEBUG")));
    command.addOption(withDefault("--dry-run", "do all but the upload (HFUTILS_DRY_RUN)", isSet("HFUTILS_DRY_RUN")));
  },
  run: serve,
};

async function serve(call: Call<Options>): Promise<void> {
  const { cli, options, stopping: signal } = call;
  const workdir = options.workdir ?? (cli.environment["HFUTILS_WORKDIR"] || undefined);
  const settled = {
    ...options,
    ...(workdir === undefined ? {} : { workdir }),
    ...(options.debug ? { logLevel: "debug" } : {}),
  };
  const config = configure({ ...call, options: settled }, { defaultLogLevel: "info" });
  const { runService } = await import("../upload/server.ts");
  await runService({ ...cli, signal }, config, { ...options, hostname: options.host });
}

function addRequired(
  command: Command,
  { name, variable, what }: { name: string; variable: string; what: string },
  environment: Environment,
): void {
  const option = new Option(`--${name} <name>`, `${what} (${variable})`);
  const given = environment[variable];
  command.addOption(given ? option.default(given) : option.makeOptionMandatory());
}

function withDefault(flags: string, description: string, value: string | number | boolean): Option {
  return new Option(flags, description).default(value);
}

/** The legacy plug-in's default, which is that of its metrics, too. */
function portOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 8_080;
}
