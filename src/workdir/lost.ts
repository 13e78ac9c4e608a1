import { isNotFound } from "../files.ts";
import { publish } from "./publish.ts";
import type { Workdir } from "./workdir.ts";

/**
 * The machines that have gone without Symphony having given them back, so that who asks for all of them need not look at
 * every machine that ever was. Kept by whoever follows the pods, right whenever its view of them can be believed.
 * @returns nothing where nobody has kept them yet: every machine has to be looked at
 */
export function readLost(workdir: Workdir): string[] | undefined {
  const { lost } = workdir.layout;
  return workdir.kind(lost) === "directory" ? workdir.names(lost) : undefined;
}

/** Makes these the ones, and begins to keep them where nobody did. */
export function writeLost(workdir: Workdir, machines: string[]): void {
  const { lost } = workdir.layout;
  const before = readLost(workdir);
  if (before === undefined) {
    return publish(workdir, lost, (directory) => {
      for (const machine of machines) workdir.prototypes.empty(`${directory}/${machine}`);
    });
  }
  const known = new Set(before);
  for (const machine of machines) if (!known.delete(machine)) addLost(workdir, machine);
  removeLost(workdir, known);
}

/** Notes that the machine has gone. */
export function addLost(workdir: Workdir, machine: string): void {
  try {
    workdir.prototypes.empty(workdir.layout.lostMachine(machine));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists) && !isNotFound(error)) throw error;
  }
}

/** Notes that Symphony has given these back. */
export function dropLost(workdir: Workdir, machines: string[]): void {
  const lost = new Set(readLost(workdir));
  if (lost.size > 0) removeLost(workdir, machines.filter((machine) => lost.has(machine)));
}

function removeLost(workdir: Workdir, machines: Iterable<string>): void {
  for (const machine of machines) workdir.remove(workdir.layout.lostMachine(machine));
}
