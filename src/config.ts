import { ExitCode, HostFactoryError } from "./errors.ts";

/** The environment variables of this process, read once at the edge and passed in from there. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The one place that reads the environment. */
export function systemEnvironment(): Environment {
  return Deno.env.toObject();
}

/** Calls `act` as if these variables were not set: for parts of the runtime that read them by themselves. */
export function withoutVariables<T>(names: readonly string[], act: () => T): T {
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const name of names) Deno.env.delete(name);
    return act();
  } finally {
    for (const [name, value] of before) if (value !== undefined) Deno.env.set(name, value);
  }
}

/** The global options of the command line, as they were given. */
export interface GlobalOptions {
  workdir?: string;
  confdir?: string;
  logFile?: string;
  logLevel?: string;
  logFormat?: string;
  requestId?: string;
  instance?: string;
  onPartialFailure?: string;
  sharedWorkdir?: boolean;
  proxy?: string;
  kubeconfig?: string;
  namespace?: string;
  acceptCluster?: string;
  acceptInstance?: string;
}

/** The configuration of a command. An option wins over `HF_K8S_*`, that over Symphony's own variables, those over defaults. */
export interface Config {
  workdir: string;
  /** True: every user who may write in the work directory is trusted. */
  sharedWorkdir: boolean;
  /** Absent if nothing names it: only verbs that read templates need it. */
  confdir: string | undefined;
  /** Absent: log to standard error. */
  logFile: string | undefined;
  /** Absent: the command's own default. */
  logLevel: LogLevel | undefined;
  logFormat: LogFormat;
  requestId: string | undefined;
  /** Keys that are added to each event, with their values: `HF_K8S_METADATA_HF_POD` becomes `hf_pod`. */
  eventMetadata: Readonly<Record<string, string>>;
  /** True: verbs record their questions and answers as events. */
  recordsIo: boolean;
  /** The provider instance that our pods are labelled with. */
  instance: string;
  /** The status of a request if some of its machines are good and others failed. */
  onPartialFailure: PartialFailure;
  proxy: string | undefined;
  kubeconfig: string | undefined;
  namespace: string | undefined;
  /** See `Scope` in `serve/serve.ts`. */
  acceptCluster: string | undefined;
  acceptInstance: string | undefined;
}

/** From the least severe to the most. We log nothing as critical, so this level turns the log off. */
export const LOG_LEVELS = ["debug", "info", "warning", "error", "critical"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** How a record is written: as a line for people, or as a JSON object on one line. The first is the default. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** The first is the default, as the legacy plug-in has it. */
export const PARTIAL_FAILURES = ["complete_with_error", "complete"] as const;
export type PartialFailure = typeof PARTIAL_FAILURES[number];

/** As the legacy plug-in has it. */
const DEFAULT_WORKDIR = "/tmp/hostfactory";
const DEFAULT_INSTANCE = "k8s-hf";

/** A Kubernetes label value that is not empty (source: Kubernetes documentation, "Labels and Selectors"). */
export const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/**
 * Works out the configuration from options and environment.
 * @throws HostFactoryError with exit code 2 if a value cannot be used
 */
export function loadConfig(options: GlobalOptions, environment: Environment): Config {
  const set = (name: string) => environment[name] || undefined;
  const provider = set("HF_PROVIDER_NAME");
  const below = (root: string | undefined) =>
    root && provider ? `${withoutSlash(root)}/providers/${provider}` : undefined;
  const logDirectory = set("HF_PROVIDER_LOGDIR") ?? set("HF_LOGDIR");
  return {
    workdir: absolute(
      options.workdir ?? set("HF_K8S_WORKDIR") ?? set("HF_PROVIDER_WORKDIR") ?? below(set("HF_WORKDIR")) ??
        DEFAULT_WORKDIR,
    ),
    sharedWorkdir: options.sharedWorkdir ?? isSwitchedOn("HF_K8S_SHARED_WORKDIR", set("HF_K8S_SHARED_WORKDIR")),
    confdir: absoluteIfSet(
      options.confdir ?? set("HF_K8S_PROVIDER_CONFDIR") ?? set("HF_PROVIDER_CONFDIR") ?? below(set("HF_CONFDIR")),
    ),
    logFile: absoluteIfSet(
      options.logFile ?? set("HF_K8S_LOG_FILE") ??
        (logDirectory ? `${withoutSlash(logDirectory)}/hostfactory.log` : undefined),
    ),
    logLevel: logLevel(options.logLevel),
    logFormat: logFormat(options.logFormat ?? set("HF_K8S_LOG_FORMAT")),
    requestId: options.requestId ?? set("HF_K8S_REQUEST_ID"),
    eventMetadata: eventMetadata(environment),
    recordsIo: isOn("HF_K8S_RECORD_IO", set("HF_K8S_RECORD_IO") ?? "off"),
    instance: instanceName(options.instance ?? set("HF_K8S_INSTANCE") ?? provider ?? DEFAULT_INSTANCE),
    onPartialFailure: partialFailure(options.onPartialFailure ?? set("HF_K8S_ON_PARTIAL_FAILURE")),
    proxy: options.proxy,
    kubeconfig: absoluteIfSet(options.kubeconfig),
    namespace: options.namespace,
    acceptCluster: options.acceptCluster,
    acceptInstance: options.acceptInstance,
  };
}

function logLevel(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined;
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level) return level;
  throw usageError(`Cannot log at level '${text}'`, `give one of ${LOG_LEVELS.join(", ")} to --log-level`);
}

function logFormat(text: string = LOG_FORMATS[0]): LogFormat {
  const format = LOG_FORMATS.find((known) => known === text.toLowerCase());
  if (format) return format;
  throw usageError(`Cannot log in the format '${text}'`, `give ${LOG_FORMATS.join(" or ")} to --log-format`);
}

function instanceName(name: string): string {
  if (LABEL_VALUE.test(name)) return name;
  throw usageError(
    `Cannot use '${name}' as the name of the provider instance`,
    "give --instance at most 63 letters, digits, '-', '_' and '.', a letter or digit at each end",
  );
}

function partialFailure(text: string = PARTIAL_FAILURES[0]): PartialFailure {
  const status = PARTIAL_FAILURES.find((known) => known === text);
  if (status) return status;
  throw usageError(
    `Cannot call a request '${text}' of which some machines failed`,
    `give ${PARTIAL_FAILURES.join(" or ")} to --on-partial-failure`,
  );
}

/** Ignores variables without a name or a value, like the legacy plug-in. */
function eventMetadata(environment: Environment): Record<string, string> {
  const named = Object.entries(environment).flatMap(([variable, value]) => {
    const [, name] = /^HF_K8S_METADATA_(.+)$/.exec(variable) ?? [];
    return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value] as const];
  });
  return Object.fromEntries(named);
}

/** The words that the legacy plug-in takes (source: `interface-observability.md`, "`watch events`: options"). */
const ON = ["1", "t", "true", "y", "yes", "on"];
const OFF = ["0", "f", "false", "n", "no", "off"];

/** @throws HostFactoryError with exit code 2 if `value` is neither on nor off */
export function isOn(name: string, value: string): boolean {
  const word = value.toLowerCase();
  if (ON.includes(word) || OFF.includes(word)) return ON.includes(word);
  throw usageError(`Cannot tell whether ${name} is on: it is '${value}'`, "set it to on or off");
}

/** Strict, because a typing error must not make us trust other users. @throws HostFactoryError for all but `0` and `1` */
function isSwitchedOn(name: string, value = "0"): boolean {
  if (value === "1" || value === "0") return value === "1";
  throw usageError(`Cannot tell whether ${name} is on: it is '${value}'`, "set it to 1 or 0");
}

function usageError(message: string, hint: string): HostFactoryError {
  return new HostFactoryError(message, { hint, exitCode: ExitCode.usage });
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

function absoluteIfSet(path: string | undefined): string | undefined {
  return path === undefined ? undefined : absolute(path);
}

export function absolute(path: string): string {
  return withoutSlash(path.startsWith("/") ? path : `${Deno.cwd()}/${path}`);
}
