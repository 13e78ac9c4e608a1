import { describeError, HostFactoryError } from "../../errors.ts";
import { isMisplaced, isNotFound } from "../../files.ts";
import { inParallel } from "./in_parallel.ts";
import type { Workdir } from "./workdir.ts";

/** How the hidden name of a draft ends while it bids for its place. */
const BID = ".bid";
const BIDDING = /^\.new-.+\.bid$/;

/** Makes what a directory is to hold. @returns the files of it whose content has to survive a power failure */
export type Fill = (directory: string) => Promise<string[]>;

/**
 * Makes a directory appear whole and stay through a power failure: it is built under a hidden name, synced, renamed into
 * place, and its parent is synced. A failure leaves nothing behind.
 * @throws HostFactoryError that says what stood in the way, or the error of a directory that exists already (see `isTaken`)
 */
export async function publish(workdir: Workdir, path: string, fill: Fill): Promise<void> {
  const draft = await Draft.build(workdir, path, fill);
  await draft.place();
}

/** A directory that is built, synced, and not in its place yet. What fails leaves nothing of it, and throws as `publish`. */
export class Draft {
  readonly #workdir: Workdir;
  readonly #path: string;
  readonly #parent: string;
  readonly #hidden: string;
  #at: string;
  #placed = false;

  private constructor(workdir: Workdir, path: string) {
    this.#workdir = workdir;
    this.#path = path;
    this.#parent = path.slice(0, path.lastIndexOf("/"));
    this.#hidden = this.#at = workdir.temporary(this.#parent);
  }

  static async build(workdir: Workdir, path: string, fill: Fill): Promise<Draft> {
    const draft = new Draft(workdir, path);
    try {
      workdir.makeDirectory(draft.#hidden);
      const lasting = await fill(draft.#hidden);
      await inParallel([...lasting, draft.#hidden], (path) => workdir.files.sync(path));
      return draft;
    } catch (error) {
      throw draft.#discardFor(error);
    }
  }

  /**
   * Lets this draft, of all that bid in the same directory, be the one that is placed next: it takes the name of a bid, and
   * then that name from every other. Of two drafts, at least one sees the other. So what is found out after a bid holds when
   * `place` succeeds, as far as it depends on nothing but other bidders. No one waits for anybody, and one whose owner died
   * is out of the running like any other.
   */
  bid(): void {
    const { files } = this.#workdir;
    try {
      const own = `${this.#hidden}${BID}`;
      files.rename(this.#hidden, own);
      this.#at = own;
      for (const { name } of files.list(this.#parent)) {
        const other = `${this.#parent}/${name}`;
        if (BIDDING.test(name) && other !== own) this.#outbid(other);
      }
    } catch (error) {
      throw this.#discardFor(error);
    }
  }

  /** Puts the directory in its place, and makes it last. @returns false if it bade and was outbid: it may bid again */
  async place(): Promise<boolean> {
    const { files } = this.#workdir;
    try {
      files.rename(this.#at, this.#path);
    } catch (error) {
      if (this.#at === this.#hidden || !isNotFound(error)) throw this.#discardFor(error);
      this.#at = this.#hidden;
      return false;
    }
    this.#at = this.#path;
    try {
      await files.sync(this.#parent);
    } catch (error) {
      throw this.#discardFor(error);
    }
    this.#placed = true;
    return true;
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
      // A process that bids has left its own name free: this is no one's, and any hidden name will do.
      files.rename(other, this.#workdir.temporary(this.#parent));
    }
  }

  /** Leaves nothing behind. @returns what to throw for an error */
  #discardFor(error: unknown): unknown {
    this.discard();
    if (isTaken(error)) return error;
    return new HostFactoryError(`Cannot write '${this.#path}': ${describeError(error)}`, {
      cause: error,
      hint: "see that the work directory has room and is writable for this user",
    });
  }
}

/** True for the error of a rename onto a directory that somebody else published first. */
export function isTaken(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return error instanceof Deno.errors.AlreadyExists || code === "ENOTEMPTY" || code === "EEXIST";
}
