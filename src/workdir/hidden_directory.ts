import type { Workdir } from "./store/workdir.ts";

/** What a directory that is being removed is called before its request's id. */
const OLD = ".old-";

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
