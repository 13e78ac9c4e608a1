import { describeError, HostFactoryError } from "../errors.ts";
import { type Files, isNotFound } from "../files.ts";
import { manifestPath, TEMPLATES_FILE } from "../templates/catalogue.ts";
import { isManifest, type Manifest, readManifestDocument } from "../templates/manifest.ts";
import {
  configurationFindings,
  type ExtensionSide,
  hookFindings,
  isRegistration,
  type LintedTemplate,
  registrationFindings,
  registryFindings,
} from "./extension_rules.ts";
import type { Finding } from "./finding.ts";
import { machineFindings, schemaFindings } from "./manifest_rules.ts";
import { securityFindings, type SecurityProfile } from "./pod_security.ts";
import { type LintedManifest, serverFindings, type ServerSide } from "./server_rules.ts";
import { placeOfFault, SourceFile } from "./source_file.ts";
import { checkTemplates, isTemplatesFile, type PlacedTemplate, promiseFindings } from "./template_rules.ts";

/** What to lint, and with which rules. */
export interface LintOptions {
  files: Files;
  /** Absolute: templates files, pod manifests, registrations. Empty: the templates file of `confdir`. */
  paths: string[];
  confdir: string | undefined;
  /** Files below it are named without it. */
  currentDirectory: string;
  /** Absent: the controls of the Pod Security Standards are not looked at. */
  profile?: SecurityProfile | undefined;
  extensions: ExtensionSide;
  /** Absent: no cluster is asked. */
  server?: ServerSide | undefined;
  /** Rules whose findings are left out; of hooks, `EXTENSION/RULE`. */
  disabled?: readonly string[];
}

/** The result of a run. */
export interface LintResult {
  /** In the order of files, lines and columns. */
  findings: Finding[];
  /** Every file that was looked at, as findings name it. */
  files: string[];
}

/**
 * Lints files. Everything that is wrong with them is a finding, so it never throws because of them.
 */
export async function lint(options: LintOptions): Promise<LintResult> {
  const run = new LintRun(options);
  await run.lintAll();
  const isDisabled = new Set(options.disabled);
  const order = [...run.files.keys()];
  const findings = run.findings.filter(({ rule }) => !isDisabled.has(rule)).sort((one, other) =>
    order.indexOf(one.file) - order.indexOf(other.file) || one.line - other.line || one.column - other.column
  );
  return { findings, files: order };
}

/** A manifest as it was found; absent what is none. */
interface ReadManifest {
  source: SourceFile;
  manifest: Manifest | undefined;
  /** True if nothing in it prevents its creation. */
  isRight: boolean;
}

class LintRun {
  readonly #options: LintOptions;
  readonly findings: Finding[] = [];
  /** Files by their names in findings. */
  readonly files = new Set<string>();
  /** Files by path; `undefined` for one that cannot be read. */
  readonly #manifests = new Map<string, ReadManifest | undefined>();
  readonly #templates: LintedTemplate[] = [];
  readonly #toCreate: LintedManifest[] = [];

  constructor(options: LintOptions) {
    this.#options = options;
  }

  async lintAll(): Promise<void> {
    const { paths, confdir, extensions, server } = this.#options;
    for (const path of paths) await this.#lintGiven(path);
    if (paths.length === 0) {
      await this.#lintTemplates(`${confdir}/${TEMPLATES_FILE}`);
      this.#add(registryFindings(extensions));
    }
    for (const template of this.#templates) this.#add(await hookFindings(template, extensions));
    if (server) this.#add(await serverFindings(server, { templates: this.#templates, manifests: this.#toCreate }));
  }

  /** A file whose kind follows from its content. */
  async #lintGiven(path: string): Promise<void> {
    const text = this.#read(path);
    if (text === undefined) return;
    const source = await this.#parse(path, text);
    if (!source) return;
    if (isTemplatesFile(source.value)) await this.#lintTemplates(path, text);
    else if (isRegistration(source.value)) this.#add(registrationFindings(source, this.#options.extensions));
    else if (isPodLike(source.value)) {
      const { manifest, isRight } = this.#lintManifest(path, source);
      if (manifest && isRight) this.#toCreate.push({ source, manifest, template: undefined });
    } else {
      const message = "it is no templates file, pod manifest or registration of an extension";
      this.#add([source.finding("file-unknown", [], message)]);
    }
  }

  /** Templates are read as JSON alone, as the verbs read them. */
  async #lintTemplates(path: string, given?: string): Promise<void> {
    const text = given ?? this.#read(path);
    if (text === undefined) return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return this.#add([this.#faultIn(path, { text, error, isJson: true })]);
    }
    const source = new SourceFile(this.#shown(path), { text, value });
    const { findings, templates, otherManifests } = checkTemplates(source);
    this.#add(findings);
    for (const one of templates) await this.#lintTemplate(one, path, source);
    for (const podSpec of otherManifests) {
      const manifestFile = manifestPath(directoryOf(path), { podSpec });
      const manifest = this.#manifests.has(manifestFile) ? undefined : this.#readManifest(manifestFile);
      if (typeof manifest === "string") await this.#manifestAt(manifestFile, manifest);
    }
  }

  async #lintTemplate(one: PlacedTemplate, file: string, source: SourceFile): Promise<void> {
    const { template, path } = one;
    this.#add(configurationFindings(source, one, this.#options.extensions));
    const manifestFile = manifestPath(directoryOf(file), template);
    const text = this.#readManifest(manifestFile);
    if (text instanceof Error) {
      const fault = isNotFound(text) ? "does not exist" : `cannot be read: ${describeError(text)}`;
      const message = `podSpec '${manifestFile}' ${fault}`;
      return this.#add([source.finding("manifest-missing", [...path, "podSpec"], message)]);
    }
    const isFirst = !this.#manifests.has(manifestFile);
    const read = await this.#manifestAt(manifestFile, text);
    if (!read?.manifest) return;
    const { manifest, isRight, source: manifestSource } = read;
    this.#add(promiseFindings(source, one, manifest));
    if (!isRight) return;
    this.#templates.push({ ...one, source, manifest, manifestSource });
    if (isFirst) this.#toCreate.push({ source: manifestSource, manifest, template });
  }

  #readManifest(path: string): string | Error {
    try {
      const text = this.#options.files.readText(path);
      this.files.add(this.#shown(path));
      return text;
    } catch (error) {
      return error as Error;
    }
  }

  /** Several templates may name one manifest, which is linted once. */
  async #manifestAt(path: string, text: string): Promise<ReadManifest | undefined> {
    if (this.#manifests.has(path)) return this.#manifests.get(path);
    const source = await this.#parse(path, text);
    const read = source && this.#lintManifest(path, source);
    this.#manifests.set(path, read);
    return read;
  }

  #lintManifest(path: string, source: SourceFile): ReadManifest {
    const { findings, isSound } = schemaFindings(source);
    this.#add([...source.duplicateKeys(), ...findings]);
    const { value } = source;
    // What is of another type than it should be would lead the rules astray.
    const manifest = isSound && isManifest(value) ? value : undefined;
    if (manifest) {
      const { profile } = this.#options;
      this.#add(machineFindings(source, manifest));
      if (profile) this.#add(securityFindings(source, manifest, profile));
    }
    const read = { source, manifest, isRight: findings.length === 0 };
    this.#manifests.set(path, read);
    return read;
  }

  #read(path: string): string | undefined {
    const shown = this.#shown(path);
    this.files.add(shown);
    try {
      return this.#options.files.readText(path);
    } catch (error) {
      const message = isNotFound(error) ? "it does not exist" : `it cannot be read: ${describeError(error)}`;
      const source = new SourceFile(shown, { text: "", value: undefined });
      this.#add([source.finding("file-unreadable", [], message)]);
      return undefined;
    }
  }

  /** The document in a text, as manifests are read. */
  async #parse(path: string, text: string): Promise<SourceFile | undefined> {
    try {
      return new SourceFile(this.#shown(path), { text, value: await readManifestDocument(text, path) });
    } catch (error) {
      const cause = error instanceof HostFactoryError ? error.cause : error;
      this.#add([this.#faultIn(path, { text, error: cause, isJson: path.endsWith(".json") })]);
      return undefined;
    }
  }

  #faultIn(path: string, { text, error, isJson }: { text: string; error: unknown; isJson: boolean }): Finding {
    const source = new SourceFile(this.#shown(path), { text: "", value: undefined });
    const message = `it is not ${isJson ? "JSON" : "YAML"}: ${plainFault(error)}`;
    return { ...source.finding("syntax", [], message), ...placeOfFault(text, { isJson }) };
  }

  #shown(path: string): string {
    const { currentDirectory } = this.#options;
    return path.startsWith(`${currentDirectory}/`) ? path.slice(currentDirectory.length + 1) : path;
  }

  #add(findings: Finding[]): void {
    this.findings.push(...findings);
    for (const { file } of findings) this.files.add(file);
  }
}

/** The parser's message without its quotes from the file, which may hold anything. */
function plainFault(error: unknown): string {
  const message = error instanceof Error ? error.message.split("\n", 1)[0] ?? "" : String(error);
  return message.replace(/ in JSON at position.*$| in line \d+$|, (\.\.\.)?".*$/, "")
    .replace("Unexpected end of JSON input", "it ends too early");
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function isPodLike(document: unknown): boolean {
  return typeof document === "object" && document !== null && !Array.isArray(document) &&
    ("spec" in document || "kind" in document || "apiVersion" in document);
}
