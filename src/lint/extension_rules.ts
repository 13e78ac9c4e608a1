import { describeError } from "../errors.ts";
import type { Extension, RegistrationProblem, Registry } from "../extensions/extension.ts";
import { parsePointer } from "../json_pointer.ts";
import type { Manifest } from "../templates/manifest.ts";
import type { Finding } from "./finding.ts";
import { nearestName } from "../nearest_name.ts";
import { RULES, type Severity } from "./rules.ts";
import { SourceFile } from "./source_file.ts";
import type { PlacedTemplate } from "./template_rules.ts";

/** The question to a lint hook: see `docs/extensions.md`, "lint". */
export interface LintDocument {
  version: 1;
  hook: "lint";
  extension: string;
  /** Without the configuration of other extensions. */
  template: object;
  manifest: object;
  /** `null` if the template has none for this extension. */
  configuration: unknown;
}

/** A finding of a lint hook. */
export interface HookFinding {
  severity: Severity;
  /** A JSON pointer into the document. */
  path: string;
  message: string;
  /** An id of the extension's own. */
  rule: string;
}

/** Calls the lint hook of an extension. @throws an error that says why there is no answer */
export type LintHook = (extension: Extension, document: LintDocument) => Promise<HookFinding[]>;

/** The registered extensions, and how to call them. */
export interface ExtensionSide {
  registry: Registry;
  /** Where registrations are files, as findings are to name it. */
  directory: string;
  /** Absent: no hook is called. */
  hook?: LintHook | undefined;
  /** Checks a registration that was given as a file; absent: such files are not checked. */
  problemsOf?: ((registration: unknown, file: string) => RegistrationProblem[]) | undefined;
}

/** A template and its manifest, each with the file that it is in. */
export interface LintedTemplate extends PlacedTemplate {
  source: SourceFile;
  manifest: Manifest;
  manifestSource: SourceFile;
}

/** True for a document that registers an extension, rightly or wrongly. */
export function isRegistration(document: unknown): boolean {
  if (typeof document !== "object" || document === null) return false;
  return "hooks" in document || ("kind" in document && document.kind === "HostFactoryExtension");
}

/** Findings on a registration that was given as a file. */
export function registrationFindings(source: SourceFile, { problemsOf }: ExtensionSide): Finding[] {
  const problems = problemsOf?.(source.value, source.file) ?? [];
  return problems.map((problem) => registrationFinding(source, problem));
}

/** Findings on the registered extensions. */
export function registryFindings({ registry, directory }: ExtensionSide): Finding[] {
  return registry.problems.map((problem) => {
    const { registration } = problem;
    return registrationFinding(wholeOf(registration?.kind === "file" ? registration.path : directory), problem);
  });
}

/** Findings on a template's configuration for extensions that are not registered. */
export function configurationFindings(
  source: SourceFile,
  { template, path }: PlacedTemplate,
  { registry }: ExtensionSide,
): Finding[] {
  const known = [...registry.extensions, ...registry.problems].map(({ name }) => name);
  return Object.keys(template.extensions ?? {}).filter((name) => !known.includes(name)).map((name) => {
    const near = nearestName(name, known);
    const mend = near === undefined ? {} : { mend: `did you mean '${near}'? Else register it, or remove it here` };
    const message = `template '${template.templateId}' configures the extension '${name}', which is not registered`;
    return source.finding("extension-not-registered", [...path, "extensions", name], message, mend);
  });
}

/** What the lint hooks find in a template that has no errors of its own. */
export async function hookFindings(linted: LintedTemplate, { registry, hook }: ExtensionSide): Promise<Finding[]> {
  if (!hook) return [];
  const asked = registry.extensions.filter(({ hooks }) => hooks.lint !== undefined);
  return (await Promise.all(asked.map((extension) => askExtension(extension, linted, hook)))).flat();
}

async function askExtension(extension: Extension, linted: LintedTemplate, hook: LintHook): Promise<Finding[]> {
  const { name } = extension;
  const { source, path, template: { extensions, ...template }, manifest } = linted;
  const isConfigured = extensions !== undefined && Object.hasOwn(extensions, name);
  const configuration = isConfigured ? extensions[name] : null;
  const own = isConfigured ? { ...template, extensions: { [name]: configuration } } : template;
  const document = { version: 1, hook: "lint", extension: name, template: own, manifest, configuration } as const;
  try {
    return (await hook(extension, document)).map((finding) => placed(finding, name, linted));
  } catch (error) {
    const message = `the lint hook of extension '${name}' did not answer: ${describeError(error)}`;
    return [source.finding("extension-unreachable", path, message)];
  }
}

/** A finding of an extension, at its place in our files. */
function placed(finding: HookFinding, name: string, { source, path, manifestSource }: LintedTemplate): Finding {
  const { severity, message, rule } = finding;
  const [part, ...rest] = parsePointer(finding.path);
  const [file, place] = part === "manifest"
    ? [manifestSource, rest]
    : part === "configuration"
    ? [source, [...path, "extensions", name, ...rest]]
    : [source, [...path, ...(part === "template" ? rest : [])]];
  const mend = `see what is known of extension '${name}'`;
  return { ...file.finding("extension-unreachable", place, message, { mend, severity }), rule: `${name}/${rule}` };
}

function registrationFinding(source: SourceFile, { name, severity, message }: RegistrationProblem): Finding {
  const mend = RULES["extension-registration"].mend;
  const text = message.includes(name) ? message : `extension '${name}': ${message}`;
  return source.finding("extension-registration", [], text, { severity, mend });
}

/** A file that is looked at as a whole. */
function wholeOf(file: string): SourceFile {
  return new SourceFile(file, { text: "", value: undefined });
}
