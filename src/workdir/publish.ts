import { describeError, HostFactoryError } from "../errors.ts";
import type { Workdir } from "./workdir.ts";

/**
 * Makes a directory appear whole and stay through a power failure: it is built under a hidden name, synced, renamed into
 * place, and its parent is synced. A failure leaves nothing behind.
 * @throws HostFactoryError that says what stood in the way, or the error of a directory that exists already (see `isTaken`)
 */
export function publish(workdir: Workdir, path: string, fill: (directory: string) => void): void {
  const { files } = workdir;
  const parent = path.slice(0, path.lastIndexOf("/"));
  const hidden = workdir.temporary(parent);
  let at = hidden;
  try {
    files.makeDirectory(hidden);
    fill(hidden);
    files.sync(hidden);
    files.rename(hidden, path);
    at = path;
    files.sync(parent);
  } catch (error) {
    retract(workdir, at, hidden);
    if (isTaken(error)) throw error;
    throw new HostFactoryError(`Cannot write '${path}': ${describeError(error)}`, {
      cause: error,
      hint: "see that the work directory has room and is writable for this user",
    });
  }
}

/** Takes back what was made so far: out of sight first, then away. */
function retract(workdir: Workdir, at: string, hidden: string): void {
  try {
    if (at !== hidden) workdir.files.rename(at, hidden);
    workdir.files.removeTree(hidden);
  } catch {
    // The first error says what is wrong; the sweep of hidden names removes what stays behind.
  }
}

/** True for the error of a rename onto a directory that somebody else published first. */
export function isTaken(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return error instanceof Deno.errors.AlreadyExists || code === "ENOTEMPTY" || code === "EEXIST";
}
