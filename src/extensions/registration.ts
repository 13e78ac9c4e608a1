import { describeError } from "../errors.ts";
import * as v from "valibot";
import { type Files, isNotFound } from "../files.ts";
import { describeIssue } from "../hf/issue.ts";
import {
  type Extension,
  FAILURE_POLICIES,
  GUARDED_ADDRESSES,
  type HookKind,
  HOOKS,
  type Registration,
  type RegistrationProblem,
} from "./extension.ts";
import { guardedAddress } from "./guarded_address.ts";

/** A registration that was read. */
export interface ReadRegistration {
  registration: Registration;
  /** The name of the extension; that of the file if the extension has none that can be used. */
  name: string;
  /** Absent if it cannot be used. */
  extension: Extension | undefined;
  problems: RegistrationProblem[];
}

/** Where a registration was found. */
export interface RegistrationPlace {
  registration: Registration;
  /** How problems name it if it has no name that can be used. */
  called: string;
  /** The directory that relative paths of credentials start from. */
  directory: string;
}

/** A name or a category: a label of DNS (RFC 1123), as the name of a resource has to be in any case. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PEER = /^(category:)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A URL of a hook: without white space, user, password or fragment. */
const URL_TEXT = /^https?:\/\/[^/?#@\\\s]+([/?][^#\s]*)?$/;

/** A part of a pod that `pre-create` may be allowed to change, as a JSON pointer (RFC 6901). */
const POINTER = /^\/(metadata\/labels|metadata\/annotations|spec)(\/([^/~]|~[01])*)*$/;

/** The name of a file in the directory of credentials, not a path. */
const FILE_NAME = /^[^./\0][^/\0]*$/;

const LONGEST_URL = 2_048;
const LONGEST_TEXT = 500;
const MOST_ENTRIES = 100;
const LARGEST_PRIORITY = 1_000_000;

const DEFAULT_MAY_CHANGE = ["/metadata/labels", "/metadata/annotations", "/spec"];

/** How many problems are reported for one registration. */
const MOST_PROBLEMS = 20;

const name = v.pipe(
  v.string("must be a string"),
  v.regex(NAME, "must be at most 63 small letters, digits and '-', a letter or digit at each end"),
);
const text = v.pipe(
  v.string("must be a string"),
  v.maxLength(LONGEST_TEXT, `must have at most ${LONGEST_TEXT} characters`),
);
const url = v.pipe(
  v.string("must be a URL"),
  v.maxLength(LONGEST_URL, `must have at most ${LONGEST_URL} characters`),
  v.regex(URL_TEXT, "must be a URL that begins with https:// or http://, without user, password and fragment"),
  v.check((value) => URL.canParse(value), "must be a URL that can be used"),
);
const peers = v.pipe(
  v.array(
    v.pipe(v.string("must be a string"), v.regex(PEER, "must be the name of an extension, or category:NAME")),
    "must be a list",
  ),
  v.maxLength(MOST_ENTRIES, `must have at most ${MOST_ENTRIES} entries`),
);
const pointers = v.pipe(
  v.array(
    v.pipe(
      v.string("must be a JSON pointer"),
      v.regex(POINTER, "must be a JSON pointer that begins with /metadata/labels, /metadata/annotations or /spec"),
    ),
    "must be a list",
  ),
  v.maxLength(MOST_ENTRIES, `must have at most ${MOST_ENTRIES} entries`),
);
const path = v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty"));
const fileName = v.pipe(
  v.string("must be a file name"),
  v.regex(FILE_NAME, "must be the plain name of a file in extensions.d/credentials: a resource names no other"),
);

function wholeNumber(least: number, most: number, standard: number) {
  const fault = `must be a whole number from ${least} to ${most}`;
  return v.optional(
    v.pipe(v.number(fault), v.integer(fault), v.minValue(least, fault), v.maxValue(most, fault)),
    standard,
  );
}

/** A schema that refuses arrays, which the schemas of objects accept. */
const plainObject = v.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const fields = {
  maintainer: v.optional(text),
  repository: v.optional(text),
  category: v.optional(name),
  hooks: v.pipe(
    plainObject,
    v.objectWithRest(
      { ...Object.fromEntries(HOOKS.map((kind) => [kind, v.optional(url)])) },
      v.string("must be a URL"),
      objectFault,
    ),
    v.check((hooks) => Object.keys(hooks).length > 0, "must name at least one hook and its URL"),
  ),
  before: v.optional(peers, []),
  after: v.optional(peers, []),
  priority: wholeNumber(-LARGEST_PRIORITY, LARGEST_PRIORITY, 0),
  failurePolicy: v.optional(v.picklist(FAILURE_POLICIES, "must be 'fail' or 'ignore'"), "fail"),
  timeoutSeconds: wholeNumber(1, 60, 5),
  retrySeconds: wholeNumber(0, 600, 30),
  drainSeconds: wholeNumber(0, 3_600, 60),
  batch: wholeNumber(1, 1_000, 1),
  mayChange: v.optional(pointers, DEFAULT_MAY_CHANGE),
  caBundle: v.optional(
    v.pipe(
      v.string("must be a string"),
      v.includes("-----BEGIN CERTIFICATE-----", "must be certificates in PEM, which begin -----BEGIN CERTIFICATE-----"),
    ),
  ),
};

/** A registration in a file. */
const FileSchema = v.pipe(
  plainObject,
  v.strictObject({
    name,
    ...fields,
    credentials: credentialsOf(path),
    allowAddresses: v.optional(
      v.array(v.picklist(GUARDED_ADDRESSES, "must be 'loopback' or 'link-local'"), "must be a list"),
    ),
  }, objectFault),
);

/** A registration in a resource, whose name is the extension's. */
const ResourceSchema = v.pipe(
  plainObject,
  v.strictObject({
    ...fields,
    credentials: credentialsOf(fileName),
    name: v.optional(v.never("is the name of the resource, and must not be given a second time")),
    allowAddresses: v.optional(
      v.never("may be given by a file in extensions.d alone, which those write who look after the host"),
    ),
  }, objectFault),
);

function credentialsOf(file: typeof path | typeof fileName) {
  return v.optional(v.pipe(
    plainObject,
    v.strictObject({
      tokenFile: v.optional(file),
      hmacKeyFile: v.optional(file),
      clientCertificateFile: v.optional(file),
      clientKeyFile: v.optional(file),
    }, objectFault),
    v.check(
      ({ clientCertificateFile, clientKeyFile }) =>
        (clientCertificateFile === undefined) === (clientKeyFile === undefined),
      "must have both clientCertificateFile and clientKeyFile, or neither",
    ),
  ));
}

function objectFault(issue: v.StrictObjectIssue | v.ObjectWithRestIssue): string {
  if (issue.expected === "never") return "is not known: correct it, or take it out";
  return "is missing";
}

type Fields = v.InferOutput<typeof FileSchema> | (v.InferOutput<typeof ResourceSchema> & { name: string });

/**
 * Checks a registration. Never throws.
 * @param document the parsed file, or the `spec` of a resource
 */
export function readRegistration(document: unknown, place: RegistrationPlace): ReadRegistration {
  const { registration } = place;
  const result = v.safeParse(registration.kind === "file" ? FileSchema : ResourceSchema, document, {
    abortPipeEarly: true,
  });
  const called = nameIn(document, place);
  const read: ReadRegistration = { registration, name: called, extension: undefined, problems: [] };
  const complain = (severity: RegistrationProblem["severity"], message: string) =>
    read.problems.push({ name: called, severity, message, registration });
  const faults = result.success
    ? [...nameFaults(place), ...addressFaults({ allowAddresses: [], ...result.output })]
    : result.issues.map((issue) => {
      const { field = "it", fault } = describeIssue(issue);
      return `${field} ${fault}`;
    });
  for (const fault of faults.slice(0, MOST_PROBLEMS)) {
    complain("error", `Cannot use extension '${called}' in ${describePlace(registration)}: ${fault}`);
  }
  if (!result.success || faults.length > 0) return read;
  read.extension = extensionOf({ ...result.output, name: called }, place);
  for (const warning of warningsOf(read.extension)) {
    complain("warning", `Extension '${called}' in ${describePlace(registration)}: ${warning}`);
  }
  return read;
}

/** A registration whose file cannot be read or parsed. */
export function unreadableRegistration(place: RegistrationPlace, reason: string): ReadRegistration {
  const { registration, called } = place;
  const message = `Cannot use ${describePlace(registration)} as the registration of an extension: ${reason}`;
  const problems: RegistrationProblem[] = [{ name: called, severity: "error", message, registration }];
  return { registration, name: called, extension: undefined, problems };
}

/** A registration's place in words. */
export function describePlace(registration: Registration): string {
  return registration.kind === "file"
    ? `'${registration.path}'`
    : `resource HostFactoryExtension '${registration.name}'`;
}

/**
 * What is wrong with an extension's credential files now. Missing files may come later: they are read again for each
 * connection.
 */
export function credentialProblems(
  files: Files,
  { name, credentials, registration }: Extension,
): RegistrationProblem[] {
  return Object.entries(credentials).flatMap(([field, path]) => {
    const fault = path === undefined ? undefined : credentialFault(files, path);
    if (fault === undefined) return [];
    const message = `Extension '${name}' in ${describePlace(registration)}: credentials.${field} '${path}' ${fault}`;
    return [{ name, severity: "warning" as const, message, registration }];
  });
}

function credentialFault(files: Files, path: string): string | undefined {
  try {
    const { kind, mode } = files.info(path, { followLinks: true });
    if (kind !== "file") return "is not a file: put one there";
    return (mode & 0o077) === 0 ? undefined : "may be read or changed by other users: chmod 600 it";
  } catch (error) {
    return isNotFound(error) ? "does not exist: put it there" : `cannot be read: ${describeError(error)}`;
  }
}

function nameIn(document: unknown, { registration, called }: RegistrationPlace): string {
  if (registration.kind === "resource") return called;
  const given = typeof document === "object" && document !== null && "name" in document ? document.name : undefined;
  return typeof given === "string" && NAME.test(given) ? given : called;
}

function nameFaults({ registration }: RegistrationPlace): string[] {
  if (registration.kind === "file" || NAME.test(registration.name)) return [];
  return ["its name must be at most 63 small letters, digits and '-': give the resource another name"];
}

/** Problems of addresses in URLs. A host name is checked only when a connection is made. */
function addressFaults({ hooks, allowAddresses = [] }: Pick<Fields, "hooks" | "allowAddresses">): string[] {
  return HOOKS.flatMap((kind) => {
    const target = hooks[kind];
    const guarded = target === undefined ? undefined : guardedAddress(new URL(target).hostname);
    if (guarded === undefined || allowAddresses.some((allowed) => allowed === guarded)) return [];
    return [
      `hooks.${kind} leads to a ${guarded} address: if that is meant, register it by a file in extensions.d with ` +
      `allowAddresses: [${guarded}]`,
    ];
  });
}

function warningsOf({ hooks, unknownHooks }: Extension): string[] {
  const unknown = unknownHooks.map((kind) =>
    `hook '${kind.slice(0, LONGEST_TEXT)}' is not known and never called: this version knows ${HOOKS.join(", ")}`
  );
  const open = Object.entries(hooks).filter(([, target]) => {
    const { protocol, hostname } = new URL(target);
    return protocol === "http:" && guardedAddress(hostname) !== "loopback";
  }).map(([kind]) => `hooks.${kind} is called over http, and whoever is on the way can read and change it: use https`);
  return [...unknown, ...open];
}

function extensionOf(given: Fields, { registration, directory }: RegistrationPlace): Extension {
  const { credentials = {}, timeoutSeconds, retrySeconds, drainSeconds, hooks: _, ...same } = given;
  const isKnown = ([kind]: [string, unknown]) => HOOKS.some((known) => known === kind);
  const hooks = Object.entries(given.hooks);
  return {
    ...same,
    registration,
    maintainer: given.maintainer,
    repository: given.repository,
    category: given.category,
    hooks: Object.fromEntries(hooks.filter(isKnown)) as Partial<Record<HookKind, string>>,
    unknownHooks: hooks.filter((hook) => !isKnown(hook)).map(([kind]) => kind),
    timeoutMs: timeoutSeconds * 1_000,
    retryMs: retrySeconds * 1_000,
    drainMs: drainSeconds * 1_000,
    caBundle: given.caBundle,
    credentials: Object.fromEntries(
      Object.entries(credentials).map(([field, path = ""]) => [field, absolute(path, directory)]),
    ),
    allowAddresses: [...given.allowAddresses ?? []],
  };
}

function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}
