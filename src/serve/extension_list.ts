import type { Config } from "../config.ts";
import { HostFactoryError } from "../errors.ts";
import type { Extension, RegistrationProblem } from "../extensions/extension.ts";
import { orderExtensions } from "../extensions/order.ts";
import { readRegistry } from "../extensions/registered.ts";
import type { JudgedRegistration, JudgedRegistry, RegistrationVerdict } from "../extensions/registry.ts";
import { connectKube } from "../kube/connect.ts";
import type { Kube } from "../kube/kube.ts";
import type { World } from "./daemon.ts";

/** A registration, as `extensions list` shows it. */
export interface ListedExtension {
  name: string;
  verdict: RegistrationVerdict;
  source: { kind: "file"; path: string } | { kind: "resource"; name: string };
  /** The rest is absent of one that is broken. */
  category?: string | undefined;
  /** URLs by kind. */
  hooks?: Extension["hooks"];
  unknownHooks?: string[];
  priority?: number;
  failurePolicy?: Extension["failurePolicy"];
  problems: ListedProblem[];
}

export type ListedProblem = Pick<RegistrationProblem, "severity" | "message">;

/** An extension's place among those that are called before a pod is created. */
export interface ExtensionPlace {
  name: string;
  priority: number;
  /** The names that it comes after by somebody's `before` or `after`. */
  after: string[];
}

/** Every registration, and the order. */
export interface ExtensionList {
  extensions: ListedExtension[];
  /** What is wrong with the directory as a whole. */
  problems: ListedProblem[];
  order: ExtensionPlace[];
  /** How many problems are errors. */
  errors: number;
}

/**
 * The extensions that are registered now, as a `serve` that starts now would see them.
 * @param options `server`: whether the resources of the cluster count, too
 * @throws HostFactoryError if there is no configuration directory, or the directory of registrations cannot be listed; KubeError
 * if resources are to be listed and cannot be
 */
export async function listExtensions(
  world: World,
  config: Config,
  options: { server: boolean; signal: AbortSignal },
): Promise<ExtensionList> {
  const { registry: { problems, extensions }, judged } = await registeredNow(world, config, options);
  return {
    extensions: judged.map(listed),
    problems: problems.filter(({ registration }) => registration === undefined).map(shown),
    order: placesOf(extensions.filter(({ hooks }) => hooks["pre-create"] !== undefined), extensions),
    errors: problems.filter(({ severity }) => severity === "error").length,
  };
}

function placesOf(called: Extension[], all: Extension[]): ExtensionPlace[] {
  const { after } = orderExtensions(all);
  const names = new Set(called.map(({ name }) => name));
  return called.map(({ name, priority }) => ({
    name,
    priority,
    after: (after.get(name) ?? []).filter((earlier) => names.has(earlier)),
  }));
}

function listed({ name, verdict, registration, extension, problems }: JudgedRegistration): ListedExtension {
  const source = registration.kind === "file" ? registration : { kind: registration.kind, name: registration.name };
  const { category, hooks, unknownHooks, priority, failurePolicy } = extension ?? {};
  const known = hooks && unknownHooks && priority !== undefined && failurePolicy
    ? { category, hooks, unknownHooks, priority, failurePolicy }
    : {};
  return { name, verdict, source, ...known, problems: problems.map(shown) };
}

function shown({ severity, message }: RegistrationProblem): ListedProblem {
  return { severity, message };
}

/** What is registered now. @throws as `listExtensions` */
export async function registeredNow(
  world: World,
  config: Config,
  { server, signal }: { server: boolean; signal: AbortSignal },
): Promise<JudgedRegistry> {
  const { confdir } = config;
  if (confdir === undefined && !server) {
    throw new HostFactoryError("Cannot list extensions: no configuration directory is set", {
      hint: "give --confdir, or set HF_K8S_PROVIDER_CONFDIR or HF_PROVIDER_CONFDIR",
    });
  }
  const kube = server ? kubeOf(world, config) : undefined;
  return await readRegistry({ files: world.files, confdir, kube }, { signal });
}

function kubeOf(world: World, { proxy, namespace, kubeconfig }: Config): Kube {
  return connectKube({ ...world, proxy, namespace, kubeconfig });
}
