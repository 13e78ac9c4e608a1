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

const NOTE = /^\d{1,15}-\d{1,9}$/;

/** When the request or return request in `directory` came to its end; `undefined` if it has not, or no one has noted it. */
export function readFinishedNote(workdir: Workdir, directory: string): FinishedNote | undefined {
  const text = workdir.readLink(`${directory}/${RequestFile.ended}`);
  if (text === undefined || !NOTE.test(text)) return undefined;
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
