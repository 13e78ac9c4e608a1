import { type Command, InvalidArgumentError, Option } from "commander";
import { absolute, type Environment, isOn } from "../config.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import { type Files, ifThere } from "../files.ts";

/** A parser for an option that is a whole number within a range. @throws what commander turns into a usage message */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`);
  };
}

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Parses a duration: `7` or `7d` are days. @returns seconds @throws what commander turns into a usage message */
export function duration(text: string): number {
  const [, digits = "", unit = "d"] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(digits) * (SECONDS_PER_UNIT[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError("It must be a number of days, such as 7, or be followed by s, m, h or d: 90m.");
}

/** A parser for an option that is an age, to seconds, as lists show it: `90s`, `4m10s`, `7d`. @throws as `duration` */
export function age(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhd])/g)];
  if (text !== "" && parts.map(([part]) => part).join("") === text) {
    return parts.reduce((sum, [, digits, unit = ""]) => sum + Number(digits) * (SECONDS_PER_UNIT[unit] ?? 0), 0);
  }
  throw new InvalidArgumentError("It must be numbers, each followed by s, m, h or d: 90s, 4m10s, 7d.");
}

/** Parses a list: `a,b`. @throws InvalidArgumentError if it is empty */
export function words(text: string): string[] {
  const found = text.split(",").map((word) => word.trim()).filter(Boolean);
  if (found.length > 0) return found;
  throw new InvalidArgumentError("It must be one or several words, separated by commas.");
}

/**
 * The events database that `--dbfile` names. It has to exist, because an empty answer would be mistaken for the truth.
 * @throws HostFactoryError if it is not
 */
export function givenDatabase(files: Files, dbfile: string | undefined): { dbfile?: string } {
  if (dbfile === undefined) return {};
  const path = absolute(dbfile);
  if (isMissing(files, path)) {
    throw new HostFactoryError(`Cannot read the events in '${path}': there is no such file`, {
      hint: "name another with --dbfile, or leave that out: events.db in the work directory is read then",
    });
  }
  return { dbfile: path };
}

function isMissing(files: Files, path: string): boolean {
  try {
    return ifThere(() => files.info(path, { followLinks: true })) === undefined;
  } catch {
    return false; // The error of reading it will say why.
  }
}

/** Options that several commands share. */
export const sharedOption = {
  concurrency: () =>
    new Option("--create-concurrency <n>", "calls of each kind to the cluster in flight at once: creates, deletes, …")
      .default(32)
      .argParser(wholeNumber(1, 1_000)),
  podTimeout: () =>
    new Option("--pod-timeout <seconds>", "how long a pod may be pending, from its creation").default(300)
      .argParser(wholeNumber(1)),
  imagePullGrace: () =>
    new Option(
      "--image-pull-grace <seconds>",
      "how long an image may fail to be pulled, or configuration be missing: the first error is often passing",
    ).default(60).argParser(wholeNumber(0)),
  retainRequests: () =>
    new Option("--retain-requests <days>", "how long finished requests are kept: days, or 12h, 90m, 30s")
      .default(duration("7"), "7").argParser(duration),
  retainMachines: () =>
    new Option("--retain-machines <n>", "how many finished machines are kept, and a tenth as many finished requests")
      .default(100_000).argParser(wholeNumber(1)),
  serverTimeout: (environment: Environment) =>
    new Option(
      "-T, --server-timeout-seconds <n>",
      "how long the API server keeps a watch open, at most 60; 0 means 60 (HF_K8S_SERVER_TIMEOUT_SECONDS)",
    )
      .default(serverTimeout(environment)).argParser(wholeNumber(0, 3_600)),
  prometheusAddress: (environment: Environment) =>
    new Option(
      "--prometheus-addr <address>",
      "where metrics and health are served; empty: nowhere (HF_K8S_PROMETHEUS_ADDR)",
    )
      .default(environment["HF_K8S_PROMETHEUS_ADDR"] ?? "127.0.0.1"),
  prometheusPort: (environment: Environment) =>
    new Option("--prometheus-port <port>", "the port of that; 0: nowhere (HF_K8S_PROMETHEUS_PORT)")
      .default(numberOr(8_080, environment["HF_K8S_PROMETHEUS_PORT"], 65_535)).argParser(wholeNumber(0, 65_535)),
  prometheusTtl: (environment: Environment) =>
    new Option(
      "--prometheus-ttl <seconds>",
      "how long a value of a site's own metric event is shown (HF_K8S_PROMETHEUS_TTL)",
    )
      .default(numberOr(3_600, environment["HF_K8S_PROMETHEUS_TTL"], LONGEST_TTL_SECONDS))
      .argParser(wholeNumber(0, LONGEST_TTL_SECONDS)),
  prometheusPods: () =>
    new Option("--prometheus-pods <n>", "how many pods, and nodes, have series of their own, with their names; 0: none")
      .default(1_000).argParser(wholeNumber(0, 100_000)),
  dbfile: () => new Option("--dbfile <file>", "the events database; default: events.db in the work directory"),
  skipEvents: (environment: Environment) =>
    new Option("--skip-events", "leave whole objects out of the events database (HF_K8S_SKIP_EVENTS)")
      .default(isOn("HF_K8S_SKIP_EVENTS", environment["HF_K8S_SKIP_EVENTS"] || "on")),
  noSkipEvents: () => new Option("--no-skip-events", "store them, too"),
  kubeEvents: (environment: Environment) =>
    new Option("--kube-events", "record what the cluster says of pods and nodes, too (HF_K8S_KUBE_EVENTS)")
      .default(isOn("HF_K8S_KUBE_EVENTS", environment["HF_K8S_KUBE_EVENTS"] || "off")),
  requestIoEvents: (environment: Environment) =>
    new Option("--request-io-events", "record what lies in requests-io, too (HF_K8S_REQUEST_IO_EVENTS)")
      .default(isOn("HF_K8S_REQUEST_IO_EVENTS", environment["HF_K8S_REQUEST_IO_EVENTS"] || "off")),
  retainEvents: (environment: Environment) =>
    new Option("--retain-events <days>", "how long events are kept: days, or 12h, 90m, 30s (HF_K8S_RETAIN_EVENTS)")
      .default(fromEnvironment("HF_K8S_RETAIN_EVENTS", environment, duration), "90")
      .argParser(duration),
  retainEventsSize: (environment: Environment) =>
    new Option("--retain-events-size <MiB>", "how large the database may become (HF_K8S_RETAIN_EVENTS_SIZE)")
      .default(fromEnvironment("HF_K8S_RETAIN_EVENTS_SIZE", environment, wholeNumber(1)), "1024")
      .argParser(wholeNumber(1)),
  rotateEvents: (environment: Environment) =>
    new Option("--rotate-events", "on SIGHUP, begin a new events database (HF_K8S_ROTATE_EVENTS)")
      .default(isOn("HF_K8S_ROTATE_EVENTS", environment["HF_K8S_ROTATE_EVENTS"] || "on")),
  noRotateEvents: () => new Option("--no-rotate-events", "on SIGHUP, do nothing"),
};

/** The options of commands that store events. */
export interface EventOptions {
  dbfile?: string;
  skipEvents: boolean;
  /** Seconds, and MiB; absent: see `storageOf`. */
  retainEvents?: number;
  retainEventsSize?: number;
  rotateEvents: boolean;
}

export function addEventOptions(command: Command, environment: Environment): Command {
  return command.addOption(sharedOption.dbfile()).addOption(sharedOption.skipEvents(environment))
    .addOption(sharedOption.noSkipEvents()).addOption(sharedOption.retainEvents(environment))
    .addOption(sharedOption.retainEventsSize(environment)).addOption(sharedOption.rotateEvents(environment))
    .addOption(sharedOption.noRotateEvents());
}

/** A year, in seconds. */
const LONGEST_TTL_SECONDS = 31_536_000;

/** The options of commands that serve metrics. */
export interface PrometheusOptions {
  prometheusAddr: string;
  prometheusPort: number;
  prometheusTtl: number;
}

export function addPrometheusOptions(command: Command, environment: Environment): Command {
  return command.addOption(sharedOption.prometheusAddress(environment))
    .addOption(sharedOption.prometheusPort(environment))
    .addOption(sharedOption.prometheusTtl(environment));
}

/**
 * The end of a watch is the only sign of life in a calm cluster, so it may not be too rare: see
 * `SYNC_LIFETIME_SECONDS`.
 */
const LONGEST_WATCH_SECONDS = 60;

/**
 * The seconds to ask for. 0, which leaves it to the server in the legacy plug-in, counts as the longest that we allow.
 */
export function watchTimeout(seconds: number): number {
  return seconds === 0 ? LONGEST_WATCH_SECONDS : Math.min(seconds, LONGEST_WATCH_SECONDS);
}

/** The value of a variable; `undefined` if it is not set. @throws HostFactoryError if it cannot be used */
function fromEnvironment<T>(name: string, environment: Environment, parse: (text: string) => T): T | undefined {
  const text = environment[name];
  try {
    return text ? parse(text) : undefined;
  } catch (error) {
    throw new HostFactoryError(`Cannot use ${name}: ${describeError(error)}`, { exitCode: ExitCode.usage });
  }
}

function serverTimeout(environment: Environment): number {
  const text = environment["HF_K8S_SERVER_TIMEOUT_SECONDS"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

/** The number in a variable; `otherwise` if it is not a number or too large. */
function numberOr(otherwise: number, text: string | undefined, most: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) <= most ? Number(text) : otherwise;
}

/** Adds the options that say where the cluster is. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "where the cluster is and how to log in (KUBECONFIG)")
    .option("--namespace <name>", "where pods live; default: the kubeconfig's");
}

/** Adds the options that say where the cluster is, and which other cluster or instance to accept. */
export function addClusterOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option(
      "--accept-cluster <fingerprint>",
      "the work directory belongs to this cluster and namespace from now on",
    )
    .option("--accept-instance <name>", "the work directory belongs to this instance from now on");
}
