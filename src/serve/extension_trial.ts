import { epochSeconds } from "../clock.ts";
import type { Config } from "../config.ts";
import { HostFactoryError } from "../errors.ts";
import type { Extension } from "../extensions/extension.ts";
import { HookClient } from "../extensions/hook_client.ts";
import { changesOf, type PodChange } from "../extensions/pod_changes.ts";
import { type HookRequest, preCreate, type PreCreateDecision } from "../extensions/pre_create.ts";
import { systemNetwork } from "../kube/transport/network.ts";
import { findTemplate, manifestPath, readCatalogue, type Template } from "../templates/catalogue.ts";
import { parseManifest } from "../templates/manifest.ts";
import { buildPod, type OrderedPod } from "../templates/podspec.ts";
import type { World } from "./daemon.ts";
import { registeredNow } from "./extension_list.ts";

/** What a hook has made of the pod that a template's machines would have. */
export interface TriedExtension {
  extension: string;
  template: string;
  /** Milliseconds that the call took, with all tries. */
  tookMs: number;
  /** Why no such pod would be created; absent if one would. */
  refusal?: string;
  /** What it changes; empty if it has no comment. */
  changes: PodChange[];
}

/** The request and the machine that a hook is told of in a trial. */
const TRIAL = { id: "trial", machine: "trial-0" };

/**
 * Calls the `pre-create` hook of an extension once with the pod of a template, as `serve` would; nothing is created.
 * @param options `template`: its id; absent: the first that can be used. `server`: as of `listExtensions`
 * @throws HostFactoryError if there is no such extension or template, or the hook does not answer
 */
export async function tryExtension(
  world: World,
  config: Config,
  { name, template: templateId, server, signal }: {
    name: string;
    template: string | undefined;
    server: boolean;
    signal: AbortSignal;
  },
): Promise<TriedExtension> {
  const extension = await findExtension(world, config, { name, server, signal });
  const template = templateOf(world, config, templateId);
  const trial = await trialOf(world, config, template);
  const startedMs = world.clock.monotonic();
  const decision = await decide(world, config, {
    ...trial,
    extension,
    configuration: template.extensions ?? {},
    signal,
  });
  const tookMs = Math.round(world.clock.monotonic() - startedMs);
  const shared = { extension: name, template: template.templateId, tookMs };
  if (decision?.kind === "pod") return { ...shared, changes: changesOf(trial.pod, decision.pod) };
  return { ...shared, refusal: decision?.reason ?? "it did not answer", changes: [] };
}

/** A request of one machine, and its pod, as `serve` would build it. */
async function trialOf(
  { files, clock }: World,
  { confdir, instance }: Config,
  template: Template,
): Promise<{ request: HookRequest; pod: OrderedPod }> {
  const { templateId, up } = template;
  const path = manifestPath(confdir ?? "", template);
  const manifest = await parseManifest(files.readText(path), path);
  const requestedAt = epochSeconds(clock.now());
  const pod = buildPod(manifest, {
    machine: TRIAL.machine,
    requestId: TRIAL.id,
    index: 0,
    count: 1,
    requestedAt,
    templateId,
    up: up === "Ready" ? "Ready" : undefined,
    instance,
    workdir: TRIAL.id,
  });
  return { request: { id: TRIAL.id, templateId, count: 1, requestedAt }, pod };
}

/** Calls the hook once. @throws HostFactoryError if it does not answer */
async function decide(
  { files, clock, random }: World,
  { instance, namespace }: Config,
  { extension, request, pod, configuration, signal }: {
    extension: Extension;
    request: HookRequest;
    pod: OrderedPod;
    configuration: Record<string, unknown>;
    signal: AbortSignal;
  },
): Promise<PreCreateDecision | undefined> {
  const client = new HookClient({ files, clock, random, network: systemNetwork });
  const decisions = await preCreate({
    caller: client,
    clock,
    random,
    extensions: [{ ...extension, retryMs: 0, failurePolicy: "fail" }],
    instance,
    namespace,
    request,
    configuration,
    signal,
    unanswered: (_, { reason }) => {
      throw new HostFactoryError(reason, { hint: "see that the extension runs, and what it logs" });
    },
  }, [{ name: TRIAL.machine, index: 0, pod }]);
  client.retain(new Set());
  return decisions.get(TRIAL.machine);
}

async function findExtension(
  world: World,
  config: Config,
  { name, server, signal }: { name: string; server: boolean; signal: AbortSignal },
): Promise<Extension> {
  const { judged } = await registeredNow(world, config, { server, signal });
  const found = judged.filter((one) => one.name === name);
  const usable = found.find(({ verdict, extension }) => verdict !== "file wins" && extension)?.extension;
  if (usable?.hooks["pre-create"] !== undefined) return usable;
  if (usable) throw new HostFactoryError(`Extension '${name}' has no pre-create hook`);
  const reason = found[0]?.problems[0]?.message;
  throw new HostFactoryError(reason ?? `There is no extension '${name}'`, {
    hint: reason === undefined ? "see 'hostfactory extensions list'" : "mend its registration",
  });
}

function templateOf({ files }: World, { confdir }: Config, templateId: string | undefined): Template {
  const catalogue = readCatalogue(files, confdir);
  if (templateId !== undefined) return findTemplate(catalogue, templateId);
  const [first] = catalogue.templates;
  if (!first) throw new HostFactoryError(catalogue.problems[0] ?? "There is no template");
  return first;
}
