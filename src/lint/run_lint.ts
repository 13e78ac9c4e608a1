import * as v from "valibot";
import type { Clock } from "../clock.ts";
import { type Config, type Environment } from "../config.ts";
import { ExitCode, HostFactoryError } from "../errors.ts";
import type { RegistrationProblem } from "../extensions/extension.ts";
import { HookClient } from "../extensions/hook_client.ts";
import { readRegistry } from "../extensions/registered.ts";
import { EXTENSIONS_DIRECTORY } from "../extensions/registered_files.ts";
import { readRegistration } from "../extensions/registration.ts";
import type { Files } from "../files.ts";
import { connectKube } from "../kube/connect.ts";
import { KubeError } from "../kube/errors.ts";
import type { Kube } from "../kube/kube.ts";
import { systemNetwork } from "../kube/transport/network.ts";
import { integerBetween, type Random } from "../random.ts";
import type { ExtensionSide } from "./extension_rules.ts";
import { lint, type LintResult } from "./lint.ts";
import { lintHook } from "./lint_hook.ts";
import type { SecurityProfile } from "./pod_security.ts";
import { RULES } from "./rules.ts";
import type { ServerSide } from "./server_rules.ts";

/** The fields by which a resource is recognized. */
const ResourceSchema = v.looseObject({
  kind: v.literal("HostFactoryExtension"),
  metadata: v.looseObject({ name: v.string() }),
  spec: v.unknown(),
});

/** The outside world that lint looks at. */
export interface World {
  environment: Environment;
  files: Files;
  clock: Clock;
  random: Random;
}

/** The options of the command line. */
export interface RunOptions {
  /** See `LintOptions`. */
  paths: string[];
  currentDirectory: string;
  profile: SecurityProfile | undefined;
  disabled: readonly string[];
  /** The cluster is asked, too. */
  asksServer: boolean;
  signal: AbortSignal;
}

/**
 * Lints over real files and, if asked to, a real network.
 * @throws HostFactoryError with exit code 2 if there is nothing to lint, or a rule is not known
 */
export async function runLint(world: World, config: Config, options: RunOptions): Promise<LintResult> {
  const { asksServer, signal, ...rest } = options;
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
  const kube = asksServer ? kubeOf(world, config) : undefined;
  return await lint({
    ...rest,
    files: world.files,
    confdir: config.confdir,
    extensions: await extensionsOf(world, { confdir: config.confdir, kube, signal }),
    server: kube && serverOf(kube, world, config),
  });
}

/** The registered extensions, and the client that calls their hooks. */
async function extensionsOf(
  { files, clock, random }: World,
  { confdir, kube, signal }: { confdir: string | undefined; kube: Kube | undefined; signal: AbortSignal },
): Promise<ExtensionSide> {
  const read = (from: Kube | undefined) => readRegistry({ files, confdir, kube: from }, { signal });
  // That the cluster cannot be asked, or does not show its resources, is for other rules to find.
  const { registry } = await read(kube).catch((error) => {
    if (error instanceof KubeError) return read(undefined);
    throw error;
  });
  const client = new HookClient({ files, clock, random, network: systemNetwork });
  return {
    registry,
    directory: `${confdir}/${EXTENSIONS_DIRECTORY}`,
    hook: lintHook(client, { signal }),
    problemsOf: registrationProblems,
  };
}

/** Checks a registration that was given as a file: one of `extensions.d`, or a resource that is to be applied. */
function registrationProblems(document: unknown, path: string): RegistrationProblem[] {
  const directory = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  const called = path.slice(path.lastIndexOf("/") + 1);
  const resource = v.safeParse(ResourceSchema, document);
  if (!resource.success) {
    return readRegistration(document, { registration: { kind: "file", path }, called, directory }).problems;
  }
  const { metadata: { name }, spec } = resource.output;
  return readRegistration(spec, { registration: { kind: "resource", name, uid: "" }, called: name, directory })
    .problems;
}

function kubeOf(world: World, { proxy, namespace, kubeconfig }: Config): Kube {
  return connectKube({ ...world, proxy, namespace, kubeconfig });
}

function serverOf(kube: Kube, world: World, { instance }: Config): ServerSide {
  const machine = `lint-${integerBetween(world.random, 0, 2 ** 40).toString(36)}`;
  return { kube, instance, machine };
}

function usageError(message: string, { hint }: { hint: string }): HostFactoryError {
  return new HostFactoryError(message, { hint, exitCode: ExitCode.usage });
}
