import * as v from "valibot";
import { isDeeperThan } from "../hf/nesting.ts";
import { describeIssue } from "../hf/issue.ts";
import type { Manifest } from "../templates/manifest.ts";
import { MOST_LEVELS, MOST_TEMPLATES, type Template, TemplateSchema } from "../templates/catalogue.ts";
import type { Finding, Path } from "./finding.ts";
import { nearestName } from "../nearest_name.ts";
import { type RequestingSpec, requestOf } from "./resource_requests.ts";
import type { SourceFile } from "./source_file.ts";

/** How many pods a cluster supports (source: Kubernetes documentation, "Considerations for large clusters"). */
const MOST_PODS = 150_000;

/** The fields that Symphony or hostfactory know, in a template and in its attributes. */
const FIELDS = [...Object.keys(TemplateSchema.entries), "availableNumber", "priceInfo", "rank"];
const ATTRIBUTES = [...Object.keys(TemplateSchema.entries.attributes.entries), "ncores"];

const MEBIBYTE = 2 ** 20;
const MEGABYTE = 1e6;

/** A template that has no errors within its file. */
export interface PlacedTemplate {
  template: Template;
  /** Where it is in its file. */
  path: Path;
}

/** True for a document that is a templates file, right or wrong. */
export function isTemplatesFile(document: unknown): boolean {
  return typeof document === "object" && document !== null && "templates" in document;
}

/** The result of checking a templates file alone. */
export interface CheckedTemplates {
  findings: Finding[];
  /** The templates without errors. */
  templates: PlacedTemplate[];
  /** The manifests that the other templates name. */
  otherManifests: string[];
}

/** Checks a templates file alone. */
export function checkTemplates(source: SourceFile): CheckedTemplates {
  const list = isTemplatesFile(source.value) ? (source.value as { templates: unknown }).templates : undefined;
  if (!Array.isArray(list) || list.length > MOST_TEMPLATES) {
    const fault = list === undefined
      ? "is missing"
      : Array.isArray(list)
      ? `has ${list.length} entries, and may have ${MOST_TEMPLATES}`
      : "must be a list";
    const path = list === undefined ? [] : ["templates"];
    const findings = [source.finding("templates-list", path, `templates ${fault}`)];
    return { findings, templates: [], otherManifests: [] };
  }
  const findings = source.duplicateKeys();
  const templates: PlacedTemplate[] = [];
  const otherManifests: string[] = [];
  const seen = new Set<string>();
  for (const [index, value] of list.entries()) {
    const path = ["templates", index];
    const name = nameOf(value, index);
    const faults = [...shapeFindings(source, path, { value, name }), ...nameFindings(source, path, { value, name })];
    findings.push(...faults);
    if (!v.is(TemplateSchema, value) || isDeeperThan(MOST_LEVELS, value)) {
      if (typeof value?.podSpec === "string" && value.podSpec !== "") otherManifests.push(value.podSpec);
      continue;
    }
    if (seen.has(value.templateId)) {
      const message = `a template before this one has the templateId '${value.templateId}', too`;
      findings.push(source.finding("template-duplicate-id", [...path, "templateId"], message));
      continue;
    }
    seen.add(value.templateId);
    findings.push(...limitFindings(source, path, value));
    templates.push({ template: value, path });
  }
  return { findings, templates, otherManifests };
}

/** Findings if a template promises Symphony something else than its manifest asks of the cluster. */
export function promiseFindings(source: SourceFile, { template, path }: PlacedTemplate, manifest: Manifest): Finding[] {
  const { ncpus, nram } = template.attributes;
  const spec = manifest.spec as RequestingSpec;
  const findings: Finding[] = [];
  const cpus = requestOf(spec, "cpu"), bytes = requestOf(spec, "memory");
  const promised = Number(ncpus[1]), promisedMB = Number(nram[1]);
  if (cpus !== undefined && promised !== cpus && promised !== Math.floor(cpus)) {
    const message = `ncpus is ${promised}, and the manifest requests ${rounded(cpus)} CPUs`;
    findings.push(
      source.finding("ncpus-mismatch", [...path, "attributes", "ncpus"], promise(message, promised > cpus)),
    );
  }
  // To Symphony a megabyte may be either.
  const isSame = (unit: number) => bytes !== undefined && Math.abs(promisedMB - bytes / unit) < 1;
  if (bytes !== undefined && !isSame(MEBIBYTE) && !isSame(MEGABYTE)) {
    const message = `nram is ${promisedMB} MB, and the manifest requests ${rounded(bytes / MEBIBYTE)} MiB of memory`;
    const isMore = promisedMB > bytes / MEGABYTE;
    findings.push(source.finding("nram-mismatch", [...path, "attributes", "nram"], promise(message, isMore)));
  }
  return findings;
}

function promise(message: string, isMore: boolean): string {
  return isMore ? `${message}: Symphony counts on what is not there` : message;
}

function rounded(amount: number): number {
  return Math.round(amount * 1000) / 1000;
}

interface Named {
  value: unknown;
  name: string;
}

function shapeFindings(source: SourceFile, path: Path, { value, name }: Named): Finding[] {
  if (isDeeperThan(MOST_LEVELS, value)) {
    return [source.finding("template-schema", path, `${name} has more than ${MOST_LEVELS} levels`)];
  }
  return (v.safeParse(TemplateSchema, value).issues ?? []).map((issue) => {
    const { field, fault } = describeIssue(issue);
    const place = issue.path?.map(({ key }) => key as string | number) ?? [];
    const message = field === undefined ? `${name} ${fault}` : `${field} ${fault}, in ${name}`;
    return source.finding("template-schema", [...path, ...place], message);
  });
}

/** Findings on unknown fields that look like a missing known one. All others are the site's own. */
function nameFindings(source: SourceFile, path: Path, { value, name }: Named): Finding[] {
  const near = (fields: unknown, known: string[], place: Path) => {
    if (typeof fields !== "object" || fields === null) return [];
    const missing = known.filter((one) => !Object.hasOwn(fields, one));
    return Object.keys(fields).filter((field) => !known.includes(field)).flatMap((field) => {
      const meant = nearestName(field, missing);
      if (meant === undefined) return [];
      const mend = `did you mean '${meant}'?`;
      return [
        source.finding("template-field-name", [...place, field], `'${field}' is not known, in ${name}`, { mend }),
      ];
    });
  };
  const attributes = typeof value === "object" && value !== null && "attributes" in value
    ? value.attributes
    : undefined;
  return [...near(value, FIELDS, path), ...near(attributes, ATTRIBUTES, [...path, "attributes"])];
}

function limitFindings(source: SourceFile, path: Path, { templateId, maxNumber }: Template): Finding[] {
  const at = [...path, "maxNumber"];
  if (maxNumber === 0) {
    return [
      source.finding("template-empty", at, `maxNumber is 0: no machine of template '${templateId}' can be requested`),
    ];
  }
  if (maxNumber <= MOST_PODS) return [];
  return [source.finding("template-too-many", at, `maxNumber is ${maxNumber}, and a cluster holds ${MOST_PODS} pods`)];
}

function nameOf(value: unknown, index: number): string {
  const id = typeof value === "object" && value !== null && "templateId" in value ? value.templateId : undefined;
  return typeof id === "string" && id !== "" ? `template '${id}'` : `template number ${index + 1}`;
}
