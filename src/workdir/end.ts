import { RequestFile } from "./store/layout.ts";
import type { Workdir } from "./store/workdir.ts";

/**
 * What is noted of a request or return request that has come to its end. The note is the target of a link, so that it is
 * there whole or not at all: `1795000000-100`.
 */
export interface FinishedNote {
  /** Seconds since the epoch, by the cluster's clock. */
  endedAt: number;
  /** How many machines it has. */
  machines: number;
}

const END = /^\d{1,15}-\d{1,9}$/;

/** What a directory that is being removed is called before its request's id. */
const OLD = ".old-";

/** When the request or return request in `directory` came to its end; `undefined` if it has not, or no one has noted it. */
export function readFinishedNote(workdir: Workdir, directory: string): FinishedNote | undefined {
  const text = workdir.readLink(`${directory}/${RequestFile.ended}`);
  if (text === undefined || !END.test(text)) return undefined;
  const dash = text.indexOf("-");
  return { endedAt: Number(text.slice(0, dash)), machines: Number(text.slice(dash + 1)) };
}

export function writeFinishedNote(workdir: Workdir, directory: string, { endedAt, machines }: FinishedNote): void {
  workdir.replace(
    `${directory}/${RequestFile.ended}`,
    (temporary) => workdir.files.symlink(`${endedAt}-${machines}`, temporary),
  );
}

/** Notes that it goes on after all. */
export function removeFinishedNote(workdir: Workdir, directory: string): void {
  workdir.remove(`${directory}/${RequestFile.ended}`);
}

/**
 * Takes a request or return request away whole: no one finds it any more. Lasts once the parent directory is synced.
 * What it leaves behind is removed by any process that finds the directory: see `isHidden`.
 * @returns where the directory is now
 */
export function hide(workdir: Workdir, directory: string): string {
  const slash = directory.lastIndexOf("/") + 1;
  const hidden = `${directory.slice(0, slash)}${OLD}${directory.slice(slash)}`;
  workdir.files.rename(directory, hidden);
  return hidden;
}

/** True for the name of a directory that is being removed. */
export function isHidden(name: string): boolean {
  return name.startsWith(OLD);
}

/** The id of the request that a hidden directory was. */
export function hiddenId(hidden: string): string {
  return hidden.slice(hidden.lastIndexOf("/") + 1 + OLD.length);
}
