import * as v from "valibot";
import { describeError, HostFactoryError } from "../errors.ts";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const InstancesSchema = v.object({ names: v.array(v.string()) });

/** The provider instances that this work directory has served, the current one last. */
export function readInstances(workdir: Workdir): string[] {
  return readRecord(workdir, workdir.layout.instances, InstancesSchema)?.names ?? [];
}

/**
 * Sees that the work directory serves this instance: the machines of any other name are not this one's.
 * @param options `seen` gives the names that are known if their note is lost or broken; `accepted`: the name that is to be the
 * directory's from now on, if that is meant
 * @throws HostFactoryError if it serves another
 */
export function checkInstance(
  workdir: Workdir,
  instance: string,
  { seen, accepted }: { seen: () => string[]; accepted: string | undefined },
): void {
  const noted = readInstances(workdir);
  const names = noted.length > 0 ? noted.slice(-1) : seen();
  if (names.length === 0 || names.includes(instance) || accepted === instance) return;
  throw new HostFactoryError(
    `Cannot serve instance '${instance}' from '${workdir.layout.root}': its machines are of instance '${
      names.join("', '")
    }'`,
    {
      hint: `give --instance ${names.at(-1)}, or another --workdir; to rename the instance of this directory, pass ` +
        `--accept-instance ${instance}`,
    },
  );
}

/**
 * Notes, durably, that the work directory serves this instance from now on.
 * @param seen gives the names that are known if their note is lost or broken
 * @throws HostFactoryError if that cannot be noted, or earlier ones cannot be read: their machines would count as gone
 */
export async function recordInstance(workdir: Workdir, instance: string, seen: () => string[]): Promise<void> {
  try {
    const noted = readInstances(workdir);
    if (noted.at(-1) === instance) return;
    const names = noted.length > 0 ? noted : seen();
    const text = JSON.stringify({ names: [...names.filter((name) => name !== instance), instance] });
    await workdir.writeDurably(workdir.layout.instances, `${text}\n`);
    await workdir.files.sync(workdir.layout.root);
  } catch (error) {
    throw new HostFactoryError(`Cannot note the provider instance that is served: ${describeError(error)}`, {
      cause: error,
      hint: `see that '${workdir.layout.instances}' is a file, and writable for this user`,
    });
  }
}
