import * as v from "valibot";
import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import { describeIssue } from "../hf/issue.ts";
import { isDeeperThan } from "../hf/nesting.ts";

/** The file in the provider's configuration directory that lists the templates, as the legacy plug-in has it. */
export const TEMPLATES_FILE = "k8sprov_templates.json";

/** The `maxNumber` of a template that any number of machines may be asked for. */
export const NO_LIMIT = -1;

const Attribute = v.pipe(
  v.array(v.string("must be two strings"), "must be an array"),
  v.check(
    (pair) => pair.length === 2 && ["String", "Numeric"].includes(pair[0] ?? ""),
    `must be ["String" or "Numeric", value as a string]`,
  ),
  v.check((pair) => pair[0] !== "Numeric" || isNumeric(pair[1]), "must hold a number where it says Numeric"),
);

/** Limits of the templates file: an answer could not hold more. */
export const MOST_TEMPLATES = 10_000;
export const MOST_LEVELS = 50;

/** All other keys are the site's own and are passed on. `scripts/schemas/templates.schema.json` says the same to editors. */
export const TemplateSchema = v.looseObject({
  templateId: v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty")),
  maxNumber: v.pipe(
    v.number("must be a number"),
    v.integer("must be a whole number"),
    v.minValue(NO_LIMIT, "must be -1 (no limit) or more"),
  ),
  attributes: v.objectWithRest({ type: Attribute, ncpus: Attribute, nram: Attribute }, Attribute, "must be an object"),
  podSpec: v.pipe(v.string("must be the path of a pod manifest"), v.nonEmpty("must not be empty")),
  /** What counts as up: a pod that runs, or one that has been Ready. */
  up: v.optional(v.picklist(["Running", "Ready"], "must be 'Running' or 'Ready'")),
  /** By the name of an extension, what is passed to its hooks; it may hold secrets, and is never printed. */
  extensions: v.optional(v.custom<Record<string, unknown>>(isObject, "must be an object")),
}, "must be an object");

/** A template as the file has it, with what the site added. */
export type Template = v.InferOutput<typeof TemplateSchema>;

/** The templates that can be used, and why the others cannot: each problem names file, template and field. */
export interface Catalogue {
  templates: Template[];
  problems: string[];
}

/**
 * Reads the templates. One broken template does not take the others away.
 * @throws HostFactoryError if there is no file, or it holds no list of templates
 */
export function readCatalogue(files: Files, confdir: string | undefined): Catalogue {
  if (confdir === undefined) {
    throw new HostFactoryError("Cannot read templates: no configuration directory is set", {
      hint: "give --confdir, or set HF_K8S_PROVIDER_CONFDIR or HF_PROVIDER_CONFDIR",
    });
  }
  const path = `${confdir}/${TEMPLATES_FILE}`;
  const catalogue: Catalogue = { templates: [], problems: [] };
  const seen = new Set<string>();
  for (const [position, value] of readList(files, path).entries()) {
    const result = v.safeParse(TemplateSchema, value);
    const id = result.success ? result.output.templateId : nameOf(value, position);
    if (!result.success) {
      const { field = "it", fault } = describeIssue(result.issues[0]);
      catalogue.problems.push(`Cannot use template ${id} in '${path}': ${field} ${fault}`);
    } else if (seen.has(id)) {
      catalogue.problems.push(`Cannot use a second template '${id}' in '${path}': templateId must be unique`);
    } else {
      const obstacle = obstacleTo(files, result.output, manifestPath(confdir, result.output));
      if (obstacle === undefined) {
        seen.add(id);
        catalogue.templates.push(result.output);
      } else catalogue.problems.push(`Cannot use template '${id}' in '${path}': ${obstacle}`);
    }
  }
  return catalogue;
}

/** Where a template's pod manifest is: absolute, or relative to the file that names it. */
export function manifestPath(confdir: string, template: Pick<Template, "podSpec">): string {
  return template.podSpec.startsWith("/") ? template.podSpec : `${confdir}/${template.podSpec}`;
}

/**
 * The template with this id.
 * @throws HostFactoryError that says whether the id is unknown or the template broken
 */
export function findTemplate(catalogue: Catalogue, templateId: string): Template {
  const template = catalogue.templates.find((one) => one.templateId === templateId);
  if (template) return template;
  const problem = catalogue.problems.find((text) => text.includes(`'${templateId}'`));
  if (problem) throw new HostFactoryError(problem);
  const known = catalogue.templates.slice(0, 20).map((one) => `'${one.templateId}'`).join(", ");
  throw new HostFactoryError(`Cannot find template '${templateId.slice(0, 80)}'`, {
    hint: known ? `the templates are ${known}` : "no template can be used",
  });
}

function readList(files: Files, path: string): unknown[] {
  let content: unknown;
  try {
    content = JSON.parse(files.readText(path));
  } catch (error) {
    const reason = isNotFound(error) ? "it does not exist" : describeError(error);
    throw new HostFactoryError(`Cannot read the templates file '${path}': ${reason}`, { cause: error });
  }
  if (typeof content === "object" && content !== null && "templates" in content && Array.isArray(content.templates)) {
    if (content.templates.length <= MOST_TEMPLATES) return content.templates;
    throw new HostFactoryError(
      `Cannot read the templates file '${path}': it holds more than ${MOST_TEMPLATES} templates`,
    );
  }
  throw new HostFactoryError(
    `Cannot read the templates file '${path}': it must hold an object with a list 'templates'`,
  );
}

function nameOf(value: unknown, position: number): string {
  const id = typeof value === "object" && value !== null && "templateId" in value ? value.templateId : undefined;
  return typeof id === "string" && id !== "" ? `'${id}'` : `number ${position + 1}`;
}

/** Why a template whose fields are right cannot be used all the same: its manifest is missing, for example. `undefined` if it can. */
function obstacleTo(files: Files, template: Template, path: string): string | undefined {
  if (isDeeperThan(MOST_LEVELS, template)) return `it has more than ${MOST_LEVELS} levels`;
  try {
    const { kind } = files.info(path, { followLinks: true });
    return kind === "file" ? undefined : `podSpec '${path}' is not a file`;
  } catch (error) {
    return `podSpec '${path}' ${isNotFound(error) ? "does not exist" : `cannot be read: ${describeError(error)}`}`;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumeric(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== "" && Number.isFinite(Number(text));
}
