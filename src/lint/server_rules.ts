import { describeError } from "../errors.ts";
import { KubeError } from "../kube/errors.ts";
import { isNotGranted } from "../kube/failure.ts";
import type { Kube } from "../kube/kube.ts";
import { amountOf } from "../kube/quantity.ts";
import { RIGHTS } from "../kube/rights.ts";
import type { Pod, ResourceQuota } from "../kube/types.ts";
import { NO_LIMIT, type Template } from "../templates/catalogue.ts";
import type { Manifest } from "../templates/manifest.ts";
import { buildPod } from "../templates/podspec.ts";
import type { LintedTemplate } from "./extension_rules.ts";
import type { Finding } from "./finding.ts";
import { type RequestingSpec, requestOf } from "./resource_requests.ts";
import { SourceFile } from "./source_file.ts";

/** What asking the cluster needs. */
export interface ServerSide {
  kube: Pick<Kube, "createPod" | "isAllowed" | "listQuotas">;
  /** The provider instance that pods are labelled with. */
  instance: string;
  /** A name that no pod has. */
  machine: string;
}

/** A manifest and the first template that names it; no template if it was given as a file. */
export interface LintedManifest {
  source: SourceFile;
  manifest: Manifest;
  template: Template | undefined;
}

/** The name that stands for a file in findings that belong to none. */
export const CLUSTER = "the cluster";

/** Findings of the API server: on our rights, on each pod that is right so far, and on the quotas. */
export async function serverFindings(
  server: ServerSide,
  { templates, manifests }: { templates: LintedTemplate[]; manifests: LintedManifest[] },
): Promise<Finding[]> {
  const cluster = new SourceFile(CLUSTER, { text: "", value: undefined });
  try {
    return [
      ...await rightFindings(server, cluster),
      ...(await Promise.all(manifests.map((one) => dryRunFindings(server, one)))).flat(),
      ...await quotaFindings(server, cluster, templates),
    ];
  } catch (error) {
    return [cluster.finding("server-unreachable", [], describeError(error))];
  }
}

async function rightFindings({ kube }: ServerSide, cluster: SourceFile): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const right of RIGHTS) {
    if (await kube.isAllowed(right)) continue;
    const message = `the user of this kubeconfig may not ${right.verb} ${right.resource} in the namespace`;
    findings.push(cluster.finding("right-missing", [], message));
  }
  return findings;
}

/** @throws KubeError if it is not the pod that is wrong */
async function dryRunFindings(server: ServerSide, { source, manifest, template }: LintedManifest): Promise<Finding[]> {
  const { instance, machine } = server;
  const pod = buildPod(manifest, {
    machine,
    requestId: "lint",
    index: 0,
    count: 1,
    templateId: template?.templateId,
    requestedAt: 0,
    up: template?.up === "Ready" ? "Ready" : undefined,
    instance,
    workdir: "lint",
  });
  try {
    await server.kube.createPod(pod as Pod, { dryRun: true });
    return [];
  } catch (error) {
    // That it may not be created by us was found above.
    if (isNotGranted(error)) return [];
    const isRefused = error instanceof KubeError && ["invalid", "forbidden", "quota"].includes(error.kind);
    if (!isRefused) throw error;
    return [source.finding("server-refuses", [], `the cluster refuses the pod: ${error.message}`)];
  }
}

async function quotaFindings(
  { kube }: ServerSide,
  cluster: SourceFile,
  templates: LintedTemplate[],
): Promise<Finding[]> {
  let quotas: ResourceQuota[];
  try {
    quotas = (await kube.listQuotas()).items;
  } catch (error) {
    if (!isNotGranted(error)) throw error;
    return [cluster.finding("quota-unknown", [], "the resource quotas of the namespace may not be read")];
  }
  return templates.flatMap((linted) => quotas.flatMap((quota) => shortages(linted, quota)));
}

/** Findings on a quota that is too small for `maxNumber` machines of a template. */
function shortages(
  { source, path, template, manifest }: LintedTemplate,
  { metadata, spec = {} }: ResourceQuota,
): Finding[] {
  const { hard = {}, scopes = [], scopeSelector } = spec;
  // One with scopes counts pods of some kinds alone.
  if (template.maxNumber === NO_LIMIT || scopes.length > 0 || scopeSelector !== undefined) return [];
  return Object.entries(hard).flatMap(([resource, most]) => {
    const needed = template.maxNumber * (perMachine(manifest, resource) ?? 0);
    if (needed <= (amountOf(most) ?? Infinity)) return [];
    const message =
      `maxNumber is ${template.maxNumber}, and the quota '${metadata.name}' allows ${resource} ${most}, ` +
      `of which so many machines of template '${template.templateId}' need ${needed}`;
    return [source.finding("quota-too-small", [...path, "maxNumber"], message)];
  });
}

/** How much of a quota one pod takes (source: Kubernetes documentation, "Resource Quotas"). */
function perMachine(manifest: Manifest, resource: string): number | undefined {
  if (resource === "pods" || resource === "count/pods") return 1;
  if (resource.startsWith("limits.")) return undefined;
  return requestOf(manifest.spec as RequestingSpec, resource.replace(/^requests\./, ""));
}
