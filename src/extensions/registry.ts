import type { BlockedExtension, Extension, Registry } from "./extension.ts";
import { orderExtensions } from "./order.ts";
import type { RegisteredFiles } from "./registered_files.ts";
import { describePlace, type ReadRegistration } from "./registration.ts";

/** The verdict on a registration: why it is used or not. */
export type RegistrationVerdict = "accepted" | "broken" | "file wins" | "loop";

/** A registration with its verdict and problems. */
export interface JudgedRegistration extends ReadRegistration {
  verdict: RegistrationVerdict;
}

/** A registry and what it was made from. */
export interface JudgedRegistry {
  registry: Registry;
  judged: JudgedRegistration[];
}

/**
 * Makes a registry. A file wins over a resource of the same name even while the file is broken, so that a typing error
 * does not switch to the resource.
 */
export function judgeRegistrations(files: RegisteredFiles, resources: readonly ReadRegistration[]): JudgedRegistry {
  const winners = new Map(files.registrations.flatMap((read) => namesOf(read).map((name) => [name, read])));
  const winning = resources.map((read) => beside(read, winners.get(read.name)));
  const candidates = [...files.registrations.map((read) => ({ ...read, verdict: verdictOn(read) })), ...winning];
  const called = candidates.filter(({ verdict }) => verdict !== "file wins").flatMap(({ extension }) =>
    extension ?? []
  );
  const { order, loops } = orderExtensions(called);
  const waysRound = new Map(loops.flatMap(({ members, path }) => members.map((name) => [name, path.join(" → ")])));
  const judged = candidates.map((one) => looped(one, waysRound));
  const byName = new Map(called.map((extension) => [extension.name, extension]));
  return {
    registry: {
      extensions: order.flatMap((name) => byName.get(name) ?? []),
      blocked: called.flatMap((extension) => blockedBy(extension, waysRound.get(extension.name))),
      problems: [...files.problems, ...judged.flatMap(({ problems }) => problems)],
    },
    judged,
  };
}

/**
 * The name in its registration, and the name of the extension in use, which differs if only its last good form can be
 * used.
 */
function namesOf({ name, extension }: ReadRegistration): string[] {
  return [name, ...extension ? [extension.name] : []];
}

function verdictOn({ problems }: ReadRegistration): RegistrationVerdict {
  return problems.some(({ severity }) => severity === "error") ? "broken" : "accepted";
}

function beside(read: ReadRegistration, winner: ReadRegistration | undefined): JudgedRegistration {
  if (!winner) return { ...read, verdict: verdictOn(read) };
  const { name, registration } = read;
  const message = `Extension '${name}': ${describePlace(winner.registration)} is used, and not ` +
    `${describePlace(registration)}; take one of them away`;
  return {
    ...read,
    verdict: "file wins",
    problems: [...read.problems, { name, severity: "warning", message, registration }],
  };
}

function looped(one: JudgedRegistration, waysRound: ReadonlyMap<string, string>): JudgedRegistration {
  const { extension, registration, problems, verdict } = one;
  const way = verdict === "file wins" || !extension ? undefined : waysRound.get(extension.name);
  if (!extension || way === undefined) return one;
  const { name, failurePolicy } = extension;
  const effect = failurePolicy === "fail" ? "no pod is created until that is mended" : "it is left out";
  const message = `Cannot use extension '${name}' in ${describePlace(registration)}: ${inLoop(way)}, and ${effect}`;
  return { ...one, verdict: "loop", problems: [...problems, { name, severity: "error", message, registration }] };
}

function blockedBy(extension: Extension, way: string | undefined): BlockedExtension[] {
  if (way === undefined || extension.failurePolicy !== "fail") return [];
  return [{ extension, reason: `Extension '${extension.name}' cannot be called: ${inLoop(way)}` }];
}

function inLoop(way: string): string {
  return `its before and after form a loop (${way}); change one of them`;
}
