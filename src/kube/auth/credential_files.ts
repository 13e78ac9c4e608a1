import { type Files, isNotFound } from "../../files.ts";
import { KubeError } from "../errors.ts";

/**
 * The files that one login was made from, with their contents, to notice changes. Contents are compared instead of
 * times, because a mounted secret is a symbolic link whose own time never changes. The files are small.
 */
export class CredentialFiles {
  readonly #files: Files;
  readonly #seen = new Map<string, string | undefined>();

  constructor(files: Files) {
    this.#files = files;
  }

  /**
   * The text of `path`.
   * @throws KubeError `unauthorised`; `what` says what the file is: "client key of user 'x'"
   */
  read(path: string, what: string): string {
    try {
      const text = this.#files.readText(path);
      this.#seen.set(path, text);
      return text;
    } catch (error) {
      this.#seen.set(path, undefined);
      throw new KubeError("unauthorised", `Cannot read ${what}: ${explain(error, path)}`, { cause: error });
    }
  }

  /** The text of `path`, or `undefined` if there is no such file. */
  readIfThere(path: string, what: string): string | undefined {
    try {
      return this.read(path, what);
    } catch (error) {
      if (error instanceof KubeError && isNotFound(error.cause)) return undefined;
      throw error;
    }
  }

  /** True if a file that was read, or looked for, has other contents now. */
  changed(): boolean {
    for (const [path, text] of this.#seen) {
      if (this.#textOf(path) !== text) return true;
    }
    return false;
  }

  #textOf(path: string): string | undefined {
    try {
      return this.#files.readText(path);
    } catch {
      return undefined;
    }
  }
}

function explain(error: unknown, path: string): string {
  if (isNotFound(error)) return `'${path}' does not exist`;
  if (error instanceof Deno.errors.PermissionDenied) return `'${path}' may not be read by this user`;
  if (error instanceof Deno.errors.IsADirectory) return `'${path}' is a directory`;
  return `'${path}': ${error instanceof Error ? error.message : String(error)}`;
}
