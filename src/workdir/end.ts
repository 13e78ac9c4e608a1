import { RequestFile } from "./layout.ts";
import type { Workdir } from "./workdir.ts";

/**
 * What is noted of a request or return request that has come to its end. The note is the target of a link, so that it is
 * there whole or not at all: `1795000000-100`.
 */
export interface End {
  /** Seconds since the epoch, by the cluster's clock. */
  endedAt: number;
  /** How many machines it has. */
  machines: number;
}

const END = /^(\d{1,15})-(\d{1,9})$/;

/** What a directory that is being removed is called before its request's id. */
const OLD = ".old-";

/** When the request or return request in `directory` came to its end; nothing where it has not, or nobody has noted it. */
export function readEnd(workdir: Workdir, directory: string): End | undefined {
  const [, endedAt, machines] = END.exec(workdir.readLink(`${directory}/${RequestFile.ended}`) ?? "") ?? [];
  return endedAt === undefined ? undefined : { endedAt: Number(endedAt), machines: Number(machines) };
}

export function writeEnd(workdir: Workdir, directory: string, { endedAt, machines }: End): void {
  workdir.replace(
    `${directory}/${RequestFile.ended}`,
    (temporary) => workdir.files.symlink(`${endedAt}-${machines}`, temporary),
  );
}

/** Notes that it goes on after all. */
export function removeEnd(workdir: Workdir, directory: string): void {
  workdir.remove(`${directory}/${RequestFile.ended}`);
}

/**
 * Takes a request or return request away whole: nobody finds it any more. Lasts once the parent directory is synced.
 * What it leaves behind is removed by whoever finds the directory: see `hiddenBelow`.
 * @returns where the directory is now
 */
export function hide(workdir: Workdir, directory: string): string {
  const slash = directory.lastIndexOf("/") + 1;
  const hidden = `${directory.slice(0, slash)}${OLD}${directory.slice(slash)}`;
  workdir.files.rename(directory, hidden);
  return hidden;
}

/** The directories below `parent` that are being removed. */
export function hiddenBelow(workdir: Workdir, parent: string): string[] {
  const names = workdir.files.list(parent).filter(({ name, kind }) => kind === "directory" && name.startsWith(OLD));
  return names.map(({ name }) => `${parent}/${name}`);
}

/** The id of the request that a hidden directory was. */
export function hiddenId(hidden: string): string {
  return hidden.slice(hidden.lastIndexOf("/") + 1 + OLD.length);
}
