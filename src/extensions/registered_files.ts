import { describeError } from "../errors.ts";
import { type Files, ifThere, isNotFound } from "../files.ts";
import { readDocument } from "../templates/document.ts";
import type { RegistrationProblem } from "./extension.ts";
import { describePlace, type ReadRegistration, readRegistration, unreadableRegistration } from "./registration.ts";

/** The directory with registrations, in the configuration directory. */
export const EXTENSIONS_DIRECTORY = "extensions.d";

/** The directory, in that of registrations, with the credential files that resources may name. */
export const CREDENTIALS_DIRECTORY = "credentials";

/** The registrations that were read from files. */
export interface RegisteredFiles {
  /** One for each file, sorted by name. */
  registrations: ReadRegistration[];
  /** What is wrong with the directory as a whole. */
  problems: RegistrationProblem[];
}

const MOST_FILES = 1_000;
const LARGEST_BYTES = 256 * 1024;

/**
 * Reads the registrations in files: `*.yaml`, `*.yml` and `*.json` that are not hidden. Symbolic links are followed,
 * because a mounted ConfigMap consists of them. Without the directory there are no registrations.
 * @throws the system's error if the directory exists but cannot be listed
 */
export async function readRegisteredFiles(files: Files, confdir: string): Promise<RegisteredFiles> {
  const directory = `${confdir}/${EXTENSIONS_DIRECTORY}`;
  const names = registeredNames(files, directory);
  const registrations: ReadRegistration[] = [];
  for (const name of names.slice(0, MOST_FILES)) registrations.push(await readFile(files, { directory, name }));
  const message =
    `Cannot read all of '${directory}': it holds ${names.length} registrations, and ${MOST_FILES} are read ` +
    "at most; take some out";
  const problems: RegistrationProblem[] = names.length > MOST_FILES
    ? [{ name: EXTENSIONS_DIRECTORY, severity: "error", message }]
    : [];
  return { registrations: registrations.map((one) => withoutTwin(one, registrations)), problems };
}

/**
 * A text that changes whenever the registrations in the directory do: names, kinds and times of all its files.
 * @throws as `readRegisteredFiles`
 */
export function registeredFilesMark(files: Files, confdir: string): string {
  const directory = `${confdir}/${EXTENSIONS_DIRECTORY}`;
  const names = registeredNames(files, directory).slice(0, MOST_FILES + 1);
  return names.map((name) => `${name} ${fileMark(files, `${directory}/${name}`)}`).join("\n");
}

/** A text that changes whenever the file does. */
export function fileMark(files: Files, path: string): string {
  try {
    const { inode, modifiedMs, size, mode, kind } = files.info(path, { followLinks: true });
    return [kind, inode, modifiedMs, size, mode].join(" ");
  } catch (error) {
    return isNotFound(error) ? "missing" : "unreadable";
  }
}

function registeredNames(files: Files, directory: string): string[] {
  return (ifThere(() => files.list(directory)) ?? [])
    .filter(({ name, kind }) => kind !== "directory" && /^[^.].*\.(yaml|yml|json)$/.test(name))
    .map(({ name }) => name).sort();
}

async function readFile(
  files: Files,
  { directory, name }: { directory: string; name: string },
): Promise<ReadRegistration> {
  const path = `${directory}/${name}`;
  const place = { registration: { kind: "file" as const, path }, called: name, directory };
  try {
    return readRegistration(await readDocument(files.readText(path, { mostBytes: LARGEST_BYTES })), place);
  } catch (error) {
    return unreadableRegistration(place, isNotFound(error) ? "it does not exist" : describeError(error));
  }
}

/** If two files register the same name, neither is used, because we cannot know which one is meant. */
function withoutTwin(read: ReadRegistration, all: ReadRegistration[]): ReadRegistration {
  const { registration, name, problems } = read;
  const twins = all.filter((one) => one.name === name);
  if (twins.length < 2) return read;
  const message =
    `Cannot use extension '${name}': ${twins.map((one) => describePlace(one.registration)).join(" and ")} ` +
    "register it; give each a name of its own";
  return { ...read, extension: undefined, problems: [...problems, { name, severity: "error", message, registration }] };
}
