import type { Manifest } from "../templates/manifest.ts";
import { PodLabel } from "../templates/podspec.ts";
import type { Finding, Path } from "./finding.ts";
import { nearestName } from "../nearest_name.ts";
import { faultsOfPod, KUBERNETES_VERSION } from "./pod_schema.ts";
import { type RequestingSpec, requestOf } from "./resource_requests.ts";
import { named, type SourceFile } from "./source_file.ts";

/** Labels and annotations of ours begin so; beside them there is `app`. */
const OUR_PREFIX = "symphony/hostfactory-";

/** Grace periods longer than this, in seconds, are a finding: any service should be able to finish by then. */
const LONG_GRACE_SECONDS = 3_600;

/**
 * Findings on a pod manifest by the schema of a pod.
 * @returns `isSound`: all fields that are there have the right types
 */
export function schemaFindings(source: SourceFile): { findings: Finding[]; isSound: boolean } {
  const faults = faultsOfPod(source.value);
  const findings = faults.map(({ path, kind, fault, known = [] }) => {
    // An index is text in a JSON pointer.
    const field = path.map((part) => /^\d+$/.test(part) ? Number(part) : part);
    if (kind !== "unknown") return source.finding("manifest-schema", field, `${named(field)} ${fault}`);
    const near = nearestName(path.at(-1) ?? "", known);
    const mend = near === undefined ? {} : { mend: `did you mean '${near}'?` };
    return source.finding(
      "manifest-unknown-field",
      field,
      `${named(field)} is not a field that Kubernetes ${KUBERNETES_VERSION} knows`,
      mend,
    );
  });
  return { findings, isSound: faults.every(({ kind }) => kind !== undefined) };
}

/** Findings on a valid pod manifest that make it a bad machine for Symphony. */
export function machineFindings(source: SourceFile, manifest: Manifest): Finding[] {
  return [
    ...metadataFindings(source, manifest),
    ...lifeFindings(source, manifest),
    ...requestFindings(source, manifest),
    ...imageFindings(source, manifest),
  ];
}

function metadataFindings(source: SourceFile, { metadata }: Manifest): Finding[] {
  const findings: Finding[] = [];
  if (metadata?.["namespace"] !== undefined && metadata["namespace"] !== null) {
    const message = `metadata.namespace is '${metadata["namespace"]}', and pods are refused in any other namespace`;
    findings.push(source.finding("manifest-namespace", ["metadata", "namespace"], message));
  }
  for (const kind of ["labels", "annotations"] as const) {
    for (const name of Object.keys(metadata?.[kind] ?? {})) {
      const isOurs = name.startsWith(OUR_PREFIX) || (kind === "labels" && name === PodLabel.app);
      if (!isOurs) continue;
      const message = `the ${kind.slice(0, -1)} '${name}' is hostfactory's own, which overwrites it`;
      findings.push(source.finding("reserved-label", ["metadata", kind, name], message));
    }
  }
  return findings;
}

function lifeFindings(source: SourceFile, { spec }: Manifest): Finding[] {
  const findings: Finding[] = [];
  const policy = spec["restartPolicy"] ?? undefined;
  if (policy !== "Never") {
    const is = policy === undefined ? "is missing, which means Always" : `is ${policy}`;
    const when = policy === "OnFailure" ? "that fails" : "that ends";
    const message =
      `spec.restartPolicy ${is}: a machine ${when} is restarted in place, and Symphony does not hear of it`;
    findings.push(source.finding("restart-policy", ["spec", "restartPolicy"], message));
  }
  const seconds = spec["terminationGracePeriodSeconds"];
  const path = ["spec", "terminationGracePeriodSeconds"];
  if (seconds === 0) {
    const message = "spec.terminationGracePeriodSeconds is 0: a pod counts as gone while its processes may still run";
    findings.push(source.finding("grace-period-zero", path, message));
  } else if (typeof seconds === "number" && seconds > LONG_GRACE_SECONDS) {
    const message = `spec.terminationGracePeriodSeconds is ${seconds}: a machine that was given back may keep its ` +
      `place for ${Math.round(seconds / 360) / 10} hours`;
    findings.push(source.finding("grace-period-long", path, message));
  }
  return findings;
}

function requestFindings(source: SourceFile, { spec }: Manifest): Finding[] {
  return ["cpu", "memory"].filter((resource) => requestOf(spec as RequestingSpec, resource) === undefined).map((
    resource,
  ) => source.finding("requests-missing", ["spec", "containers"], `no container requests ${resource}`));
}

function imageFindings(source: SourceFile, manifest: Manifest): Finding[] {
  return containersOf(manifest).flatMap(({ container, path }) => {
    const { image } = container;
    const fault = typeof image === "string" ? faultOfImage(image) : undefined;
    return fault ? [source.finding("image-tag", [...path, "image"], `the image '${image}' ${fault}`)] : [];
  });
}

/** `registry:5000/name:tag@sha256:…` (source: the reference grammar of the OCI distribution specification). */
function faultOfImage(image: string): string | undefined {
  if (image.includes("@")) return undefined;
  const [, tag] = image.slice(image.lastIndexOf("/") + 1).split(":");
  if (tag === undefined || tag === "") return "has neither a tag nor a digest, which means 'latest'";
  return tag === "latest" ? "has the tag 'latest', which is another image every so often" : undefined;
}

/** A container of a pod, whatever list it is in. */
export interface PlacedContainer {
  container: Record<string, unknown>;
  path: Path;
}

/** Every container of a pod, with its place. */
export function containersOf({ spec }: Manifest): PlacedContainer[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((list) => {
    const containers = (spec[list] ?? []) as Record<string, unknown>[];
    return containers.map((container, index) => ({ container, path: ["spec", list, index] }));
  });
}
