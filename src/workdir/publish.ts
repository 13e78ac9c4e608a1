import { describeError, HostFactoryError } from "../errors.ts";
import { isMisplaced, isNotFound } from "../files.ts";
import type { Workdir } from "./workdir.ts";

/** How the hidden name of a draft ends while it bids for its place. */
const BID = ".bid";
const BIDDING = /^\.new-.+\.bid$/;

/**
 * Makes a directory appear whole and stay through a power failure: it is built under a hidden name, synced, renamed into
 * place, and its parent is synced. A failure leaves nothing behind.
 * @throws HostFactoryError that says what stood in the way, or the error of a directory that exists already (see `isTaken`)
 */
export function publish(workdir: Workdir, path: string, fill: (directory: string) => void): void {
  new Draft(workdir, path, fill).place();
}

/** A directory that is built, synced, and not in its place yet. What fails leaves nothing of it, and throws as `publish`. */
export class Draft {
  readonly #workdir: Workdir;
  readonly #path: string;
  readonly #parent: string;
  readonly #hidden: string;
  #at: string;
  #placed = false;

  constructor(workdir: Workdir, path: string, fill: (directory: string) => void) {
    this.#workdir = workdir;
    this.#path = path;
    this.#parent = path.slice(0, path.lastIndexOf("/"));
    this.#hidden = this.#at = workdir.temporary(this.#parent);
    this.#orNothing(() =>
      workdir.asOwner(() => {
        workdir.makeDirectory(this.#hidden);
        fill(this.#hidden);
        workdir.files.sync(this.#hidden);
      })
    );
  }

  /**
   * Lets this draft, of all that bid in the same directory, be the one that is placed next: it takes the name of a bid, and
   * then that name from every other. Of two drafts, at least one sees the other. So what is found out after a bid holds when
   * `place` succeeds, as far as it depends on nothing but other bidders. Nobody waits for anybody, and one whose owner died
   * is out of the running like any other.
   */
  bid(): void {
    this.#orNothing(() => {
      const { files } = this.#workdir;
      const own = `${this.#hidden}${BID}`;
      files.rename(this.#hidden, own);
      this.#at = own;
      for (const { name } of files.list(this.#parent)) {
        const other = `${this.#parent}/${name}`;
        if (BIDDING.test(name) && other !== own) this.#outbid(other);
      }
    });
  }

  /** Puts the directory in its place, and makes it last. @returns false where it bade and was outbid: it may bid again */
  place(): boolean {
    return this.#orNothing(() => {
      const { files } = this.#workdir;
      try {
        files.rename(this.#at, this.#path);
      } catch (error) {
        if (this.#at === this.#hidden || !isNotFound(error)) throw error;
        this.#at = this.#hidden;
        return false;
      }
      this.#at = this.#path;
      files.sync(this.#parent);
      this.#placed = true;
      return true;
    });
  }

  /** Takes back what is not placed: out of sight first, then away. */
  discard(): void {
    if (this.#placed) return;
    const { files } = this.#workdir;
    // The first error says what is wrong; the sweep of hidden names removes what stays behind.
    try {
      if (this.#at !== this.#hidden) files.rename(this.#at, this.#hidden);
    } catch {
      // A bid that was outbid is out of sight already.
    }
    try {
      files.removeTree(this.#hidden);
    } catch {
      // See above.
    }
  }

  #outbid(other: string): void {
    const { files } = this.#workdir;
    try {
      files.rename(other, other.slice(0, -BID.length));
    } catch (error) {
      if (isNotFound(error)) return; // It is in its place by now, or given up.
      if (!isTaken(error) && !isMisplaced(error)) throw error;
      // Whoever bids has left its own name free: this is nobody's, and any hidden name will do.
      files.rename(other, this.#workdir.temporary(this.#parent));
    }
  }

  #orNothing<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.discard();
      if (isTaken(error)) throw error;
      throw new HostFactoryError(`Cannot write '${this.#path}': ${describeError(error)}`, {
        cause: error,
        hint: "see that the work directory has room and is writable for this user",
      });
    }
  }
}

/** True for the error of a rename onto a directory that somebody else published first. */
export function isTaken(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return error instanceof Deno.errors.AlreadyExists || code === "ENOTEMPTY" || code === "EEXIST";
}
