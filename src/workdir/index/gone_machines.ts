import type { Budget } from "../../budget.ts";
import { isNotFound } from "../../files.ts";
import { publish } from "../store/publish.ts";
import type { Workdir } from "../store/workdir.ts";

/**
 * The machines that have gone without Symphony having given them back, so that who asks for all of them need not look at
 * every machine that ever was. Kept by any process that follows the pods, right whenever its view of them can be believed.
 * @returns `undefined` if no one has kept them yet: every machine has to be looked at
 */
export function readGone(workdir: Workdir): string[] | undefined {
  const { lost } = workdir.layout;
  return workdir.kind(lost) === "directory" ? workdir.names(lost) : undefined;
}

/** Makes these the ones, and begins to keep them if no one did. */
export async function writeGone(
  workdir: Workdir,
  machines: string[],
  { budget }: { budget: Budget },
): Promise<void> {
  const { lost } = workdir.layout;
  const before = readGone(workdir);
  if (before === undefined) {
    return await publish(workdir, lost, async (directory) => {
      for (const machine of machines) {
        if (budget.isSpent) await budget.breathe();
        workdir.prototypes.empty(`${directory}/${machine}`);
      }
      return [];
    });
  }
  const known = new Set(before);
  for (const machine of machines) {
    if (budget.isSpent) await budget.breathe();
    if (!known.delete(machine)) addGone(workdir, machine);
  }
  await removeGone(workdir, known, { budget });
}

/** Notes that the machine has gone. */
export function addGone(workdir: Workdir, machine: string): void {
  try {
    workdir.prototypes.empty(workdir.layout.lostMachine(machine));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists) && !isNotFound(error)) throw error;
  }
}

/** Notes that Symphony has given these back. */
export async function dropGone(workdir: Workdir, machines: string[], options: { budget: Budget }): Promise<void> {
  const gone = new Set(readGone(workdir));
  if (gone.size > 0) await removeGone(workdir, machines.filter((machine) => gone.has(machine)), options);
}

async function removeGone(
  workdir: Workdir,
  machines: Iterable<string>,
  { budget }: { budget: Budget },
): Promise<void> {
  for (const machine of machines) {
    if (budget.isSpent) await budget.breathe();
    workdir.remove(workdir.layout.lostMachine(machine));
  }
}
