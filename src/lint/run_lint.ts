import type { Clock } from "../clock.ts";
import { type Config, type Environment } from "../config.ts";
import { ExitCode, HostFactoryError } from "../errors.ts";
import type { Registry } from "../extensions/extension.ts";
import type { Files } from "../files.ts";
import { connectKube } from "../kube/connect.ts";
import { integerBetween, type Random } from "../random.ts";
import type { ExtensionSide } from "./extension_rules.ts";
import { lint, type Linted } from "./lint.ts";
import type { SecurityProfile } from "./pod_security.ts";
import { RULES } from "./rules.ts";
import type { ServerSide } from "./server_rules.ts";

/** The outside world that lint looks at. */
export interface World {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/** What the command line says. */
export interface RunOptions {
  /** See `LintOptions`. */
  paths: string[];
  currentDirectory: string;
  profile: SecurityProfile | undefined;
  disabled: readonly string[];
  /** The cluster is asked, too. */
  asksServer: boolean;
}

/**
 * Lints over real files and, if asked to, a real network.
 * @throws HostFactoryError with exit code 2 if there is nothing to lint, or a rule is not known
 */
export async function runLint(world: World, config: Config, options: RunOptions): Promise<Linted> {
  const { asksServer, ...rest } = options;
  if (options.paths.length === 0 && config.confdir === undefined) {
    throw usageError("Cannot lint: no configuration directory is set", {
      hint: "give files, or --confdir, or set HF_K8S_PROVIDER_CONFDIR or HF_PROVIDER_CONFDIR",
    });
  }
  for (const rule of options.disabled) {
    // Rules of extensions are their own.
    if (Object.hasOwn(RULES, rule) || rule.includes("/")) continue;
    throw usageError(`Cannot disable rule '${rule}': there is no such rule`, { hint: "docs/lint.md lists them" });
  }
  return await lint({
    ...rest,
    files: world.files,
    confdir: config.confdir,
    extensions: extensionsOf(config),
    server: asksServer ? serverOf(world, config) : undefined,
  });
}

/** What is registered: nothing, until registrations are read. */
function extensionsOf({ confdir }: Config): ExtensionSide {
  const registry: Registry = { extensions: [], problems: [] };
  return { registry, directory: `${confdir}/extensions.d` };
}

function serverOf(world: World, { proxy, namespace, kubeconfig, instance }: Config): ServerSide {
  const kube = connectKube({
    ...world,
    ...(proxy === undefined ? {} : { proxy }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  const machine = `lint-${integerBetween(world.random, 0, 2 ** 40).toString(36)}`;
  return { kube, instance, machine };
}

function usageError(message: string, { hint }: { hint: string }): HostFactoryError {
  return new HostFactoryError(message, { hint, exitCode: ExitCode.usage });
}
