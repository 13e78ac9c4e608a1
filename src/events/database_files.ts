/** A database that was rotated: renamed, so that a new one is begun. */
export interface RotatedDatabase {
  path: string;
  /** When that was, in milliseconds since the epoch. */
  atMs: number;
}

/** The directory of a database. */
export function directoryOf(dbfile: string): string {
  return dbfile.slice(0, dbfile.lastIndexOf("/")) || "/";
}

/** The directory of a database's copies. */
export function backupsBeside(dbfile: string): string {
  return `${dbfile.slice(0, dbfile.lastIndexOf("/"))}/backups`;
}

/**
 * The path of a database once it is rotated, as in the legacy plug-in: `events.db` becomes `events.1795277711123`.
 */
export function rotatedPath(dbfile: string, atMs: number): string {
  return `${dbfile.replace(/\.[^./]*$/, "")}.${atMs}`;
}

/** The databases that were rotated, the oldest first. @param names the entries of `dbfile`'s directory */
export function rotatedAmong(names: readonly string[], dbfile: string): RotatedDatabase[] {
  return names.flatMap((name) => {
    const atMs = Number(/\.(\d{13})$/.exec(name)?.[1]);
    const path = rotatedPath(dbfile, atMs);
    return path.slice(path.lastIndexOf("/") + 1) === name ? [{ path, atMs }] : [];
  }).sort((a, b) => a.atMs - b.atMs);
}
