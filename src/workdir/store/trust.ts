import { HostFactoryError } from "../../errors.ts";
import type { FileInfo, Files, User } from "../../files.ts";

/** As many links may lead to a directory, one after the other (source: path_resolution(7)). */
const MOST_LINKS = 40;

const ROOT = 0;

/** What a work directory is trusted by, beside what is on the disk. */
export interface TrustOptions {
  /** The directory is only read: then it may also be root's. */
  reads: boolean;
  /** The operator trusts everyone who may write in it. */
  isShared: boolean;
}

/**
 * Sees that a work directory is ours: what is in it makes us create and delete pods.
 * @param files those of this process
 * @returns the user as whom it is to be used; absent: as ourselves
 * @throws HostFactoryError that says whose it is, and what to do
 */
export function checkOwner(
  files: Files,
  root: string,
  { owner, reads, isShared }: TrustOptions & { owner: User },
): User | undefined {
  const user = files.user;
  if (!user || owner.uid === user.uid) return undefined;
  if (user.uid === ROOT) {
    const open = isShared ? undefined : findOpen(files, root, owner);
    if (open === undefined) return checkActing(files, root, owner);
    throw refusal(root, `it belongs to user ${owner.uid}, and others could have put it there: ${open}`, {
      hint: `if it is not yours, remove it; if it is, run hostfactory as user ${owner.uid}, or move it to where only ` +
        `root and user ${owner.uid} may write`,
    });
  }
  if (isShared || (reads && owner.uid === ROOT)) return undefined;
  const give = `have root run: chown -R ${user.uid}:${user.gid} ${quoted(`${root}/`)}`;
  throw refusal(root, `it belongs to ${nameOf(owner)}, and this process runs as ${nameOf(user)}`, {
    hint: owner.uid === ROOT
      ? `run hostfactory as root, or ${give}`
      : `if user ${owner.uid} is not yours, name another with --workdir; if all that is in it is yours, ${give}; ` +
        "if every user who may write in it is to be trusted, give --shared-workdir",
  });
}

/** Root in a container may be denied what root usually may. */
function checkActing(files: Files, root: string, owner: User): User {
  try {
    return files.as(owner, () => owner);
  } catch (error) {
    const reason = `it belongs to user ${owner.uid}, and this process may not act as that user`;
    throw refusal(root, `${reason}: ${(error as Error).message}`, { hint: `run hostfactory as user ${owner.uid}` });
  }
}

/**
 * Sees that no one else can change what is in a directory of the work directory, or in the work directory itself.
 * @param users whose it may be, beside root
 * @throws HostFactoryError that says what was found, and what to do
 */
export function checkDirectory(
  root: string,
  directory: string,
  { info, users }: { info: FileInfo; users: readonly User[] },
): void {
  const reason = distrust(info, users);
  if (reason === undefined) return;
  throw refusal(root, `'${directory}' ${reason}`, {
    hint: `${mend(root, { info, users })}; or give --shared-workdir if every user who may write there is to be trusted`,
  });
}

/** Why others may have a say in what is in a directory, as the end of a sentence; `undefined` if they have none. */
export function distrust({ owner, mode }: FileInfo, users: readonly User[]): string | undefined {
  if (!owner) return undefined;
  if (!isOf(owner, users)) return `belongs to ${nameOf(owner)}`;
  return isOpen(mode) ? `is writable by others than its owner (mode ${mode.toString(8)})` : undefined;
}

/** What to do so that a directory that is not trusted can be, with all below it. */
export function mend(path: string, { info, users }: { info: FileInfo; users: readonly User[] }): string {
  const [user] = users;
  const command = user && info.owner && !isOf(info.owner, users) ? `chown -R ${user.uid}:${user.gid}` : "chmod -R go-w";
  return `see what others have put there, then run: ${command} ${quoted(`${path}/`)}`;
}

/**
 * Looks for a directory on the way to `path` in which others than root and the owner could put something in the place of
 * what is there. Links are followed as the system does.
 * @returns what is wrong with the first such directory, as a sentence
 */
function findOpen(files: Files, path: string, owner: User): string | undefined {
  const left = path.split("/").toReversed();
  let at = "";
  for (let links = 0; links <= MOST_LINKS;) {
    const reason = distrust(files.info(at || "/"), [owner]);
    if (reason !== undefined) return `'${at || "/"}' ${reason}`;
    const name = left.pop();
    if (name === undefined) return undefined;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = at.slice(0, at.lastIndexOf("/"));
      continue;
    }
    const next = `${at}/${name}`;
    if (files.info(next).kind !== "symlink") {
      at = next;
      continue;
    }
    const target = files.readLink(next);
    if (target.startsWith("/")) at = "";
    left.push(...target.split("/").toReversed());
    links++;
  }
  return `there are more than ${MOST_LINKS} links on the way to it`;
}

function nameOf({ uid }: User): string {
  return uid === ROOT ? "root" : `user ${uid}`;
}

function isOf(owner: User, users: readonly User[]): boolean {
  return owner.uid === ROOT || users.some(({ uid }) => uid === owner.uid);
}

/** True if the group, or all, may write. */
function isOpen(mode: number): boolean {
  return (mode & 0o022) !== 0;
}

function refusal(root: string, reason: string, { hint }: { hint: string }): HostFactoryError {
  return new HostFactoryError(`Cannot use the work directory '${root}': ${reason}`, { hint });
}

/** As one word of a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
