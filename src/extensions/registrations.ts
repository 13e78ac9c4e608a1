import { describeError } from "../errors.ts";
import type { Files } from "../files.ts";
import type { ExtensionResource } from "../kube/types.ts";
import type { Extension, RegistrationProblem, Registry } from "./extension.ts";
import {
  EXTENSIONS_DIRECTORY,
  fileMark,
  readRegisteredFiles,
  type RegisteredFiles,
  registeredFilesMark,
} from "./registered_files.ts";
import { credentialProblems, describePlace, type ReadRegistration } from "./registration.ts";
import { type JudgedRegistration, type JudgedRegistry, judgeRegistrations } from "./registry.ts";
import { readResource } from "./resource.ts";

/** A change that is to be logged once. */
export interface RegistrationChange {
  severity: "info" | RegistrationProblem["severity"];
  /** The extension, or the file if it has no name that can be used. */
  name: string;
  message: string;
}

/** How the last calls of an extension went. */
export interface CallRecord {
  /** Milliseconds since the epoch. */
  lastCallMs: number;
  /** Calls in a row that were not answered. */
  failures: number;
}

/** How often the files are checked for changes, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** Follows the registrations in files and resources. If one becomes broken, its last good form stays in use. */
export class Registrations {
  readonly #files: Files;
  /** The configuration directory; absent if nothing names one. */
  readonly confdir: string | undefined;
  readonly #report: (change: RegistrationChange) => void;
  #lookAtMs = -Infinity;
  #filesMark: string | undefined;
  #credentialsMark = "";
  #registeredFiles: RegisteredFiles = { registrations: [], problems: [] };
  #resources: ReadRegistration[] = [];
  #areResourcesKnown = false;
  /** By path or uid. */
  #lastGood = new Map<string, Extension>();
  #current: JudgedRegistry = { registry: { extensions: [], blocked: [], problems: [] }, judged: [] };
  #reportedProblems = new Set<string>();
  #reportedExtensions = new Map<string, string>();
  readonly #followers = new Set<() => void>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #calls = new Map<string, CallRecord>();

  /** @param options `confdir`: the configuration directory; absent: no files; `report`: called once for each change */
  constructor(options: { files: Files; confdir: string | undefined; report: (change: RegistrationChange) => void }) {
    this.#files = options.files;
    this.confdir = options.confdir;
    this.#report = options.report;
  }

  /** Resolves once `isSettled`. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** As of the last `refresh` or `resources`. */
  get registry(): Registry {
    return this.#current.registry;
  }

  get judged(): readonly JudgedRegistration[] {
    return this.#current.judged;
  }

  /**
   * False until the files were read, and the resources were listed or found unavailable. Until then, an extension
   * without which no pod may be created may be missing.
   */
  get isSettled(): boolean {
    return this.#filesMark !== undefined && this.#areResourcesKnown;
  }

  /**
   * Checks the files, at most once a second, and reads them again if any has changed.
   * @param nowMs on the monotonic clock
   */
  async refresh(nowMs: number): Promise<void> {
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    const mark = this.#markFiles();
    const hasChanged = mark !== this.#filesMark;
    if (hasChanged) await this.#readFiles();
    this.#filesMark = mark;
    if (hasChanged || this.#markCredentials() !== this.#credentialsMark) this.#judge();
    this.#settle();
  }

  /** To be called with all resources of the cluster. */
  resources(list: readonly ExtensionResource[]): void {
    this.#resources = list.map((resource) => readResource(resource, this.confdir))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#areResourcesKnown = true;
    this.#judge();
    this.#settle();
  }

  /** To be called if resources cannot be listed now. Those that are known stay in use. */
  withoutResources(): void {
    this.#areResourcesKnown = true;
    this.#settle();
  }

  /** Calls `changed` whenever the registry may have changed, until `signal` aborts. */
  follow(changed: () => void, signal: AbortSignal): void {
    this.#followers.add(changed);
    signal.addEventListener("abort", () => this.#followers.delete(changed), { once: true });
  }

  /** Records the end of a call, for the status of resources. */
  called(name: string, { nowMs, isAnswered }: { nowMs: number; isAnswered: boolean }): void {
    const failures = isAnswered ? 0 : (this.#calls.get(name)?.failures ?? 0) + 1;
    if (this.#reportedExtensions.has(name)) this.#calls.set(name, { lastCallMs: nowMs, failures });
  }

  /** The last calls of this extension; `undefined` before the first. */
  calls(name: string): CallRecord | undefined {
    return this.#calls.get(name);
  }

  #settle(): void {
    if (this.isSettled) this.#settled.resolve();
  }

  #markFiles(): string {
    if (this.confdir === undefined) return "";
    try {
      return registeredFilesMark(this.#files, this.confdir);
    } catch (error) {
      return `unreadable: ${describeError(error)}`;
    }
  }

  /** If the directory cannot be listed now, the registrations that were read before stay in use. */
  async #readFiles(): Promise<void> {
    if (this.confdir === undefined) return;
    try {
      this.#registeredFiles = await readRegisteredFiles(this.#files, this.confdir);
    } catch (error) {
      const message = `Cannot list '${this.confdir}/${EXTENSIONS_DIRECTORY}': ${describeError(error)}; ` +
        "the registrations that were read before stay in use";
      this.#registeredFiles.problems = [{ name: EXTENSIONS_DIRECTORY, severity: "error", message }];
    }
  }

  #judge(): void {
    const lastGood = this.#lastGood;
    this.#lastGood = new Map();
    const taken = new Set(this.#registeredFiles.registrations.flatMap(({ extension }) => extension?.name ?? []));
    const withLastGood = (read: ReadRegistration): ReadRegistration => {
      const key = keyOf(read);
      const extension = read.extension ?? lastGood.get(key);
      if (!extension) return read;
      this.#lastGood.set(key, extension);
      if (read.extension) return read;
      if (read.registration.kind === "file" && taken.has(extension.name)) return read;
      taken.add(extension.name);
      const { name } = extension;
      const message = `Extension '${name}' stays in use in its last good form`;
      const { registration } = read;
      return { ...read, extension, problems: [...read.problems, { name, severity: "warning", message, registration }] };
    };
    const withCredentials = (read: ReadRegistration): ReadRegistration =>
      read.extension
        ? { ...read, problems: [...read.problems, ...credentialProblems(this.#files, read.extension)] }
        : read;
    const judge = (reads: ReadRegistration[]) => reads.map(withLastGood).map(withCredentials);
    const { registrations, problems } = this.#registeredFiles;
    this.#current = judgeRegistrations({ registrations: judge(registrations), problems }, judge(this.#resources));
    this.#credentialsMark = this.#markCredentials();
    this.#reportChanges();
    for (const changed of this.#followers) changed();
  }

  #markCredentials(): string {
    const paths = this.#current.judged.flatMap(({ extension }) => Object.values(extension?.credentials ?? {}));
    return paths.map((path) => fileMark(this.#files, path ?? "")).join("\n");
  }

  #reportChanges(): void {
    const { problems, extensions } = this.registry;
    for (const { message, severity, name } of problems) {
      if (!this.#reportedProblems.has(message)) this.#report({ severity, name, message });
    }
    this.#reportedProblems = new Set(problems.map(({ message }) => message));
    const known = new Map(extensions.map((extension) => [extension.name, JSON.stringify(extension)]));
    for (const { name, registration } of extensions) {
      const before = this.#reportedExtensions.get(name);
      if (before === known.get(name)) continue;
      const what = before === undefined ? "is used" : "has changed";
      this.#report({
        severity: "info",
        name,
        message: `Extension '${name}' in ${describePlace(registration)} ${what}`,
      });
    }
    for (const name of this.#reportedExtensions.keys()) {
      if (known.has(name)) continue;
      this.#calls.delete(name);
      this.#report({ severity: "info", name, message: `Extension '${name}' is not used any more` });
    }
    this.#reportedExtensions = known;
  }
}

function keyOf({ registration }: ReadRegistration): string {
  return registration.kind === "file" ? registration.path : registration.uid;
}
