import assert from "node:assert/strict";
import { shell, succeeds } from "./shell.ts";

/** Why there are no small disks here, if there are none. */
export const noSmallDisk: string | undefined =
  succeeds('d=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d" && rmdir "$d"')
    ? undefined
    : "permission to mount a tmpfs";

/** Why no process's limits can be set, if that is so. */
export const noLimits: string | undefined = succeeds("prlimit --version") ? undefined : "prlimit";

/** A real file system in memory that holds little, for as long as it is not disposed of. */
export class SmallDisk implements Disposable {
  readonly #path: string;

  /** @param options of the mount, such as `size=2m` or `nr_inodes=300` */
  constructor(path: string, options: string) {
    this.#path = path;
    shell(`mount -t tmpfs -o ${options},mode=755 tmpfs '${path}'`);
  }

  /** Takes all room that is left. */
  fill(): void {
    for (const size of [65_536, 4_096]) {
      try {
        using file = Deno.openSync(`${this.#path}/filler`, { create: true, append: true });
        while (true) file.writeSync(new Uint8Array(size));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "ENOSPC");
      }
    }
  }

  /** Takes all files that can still be made. */
  fillInodes(): void {
    Deno.mkdirSync(`${this.#path}/filler`);
    try {
      for (let i = 0;; i++) Deno.createSync(`${this.#path}/filler/${i}`).close();
    } catch (error) {
      assert.equal((error as { code?: string }).code, "ENOSPC");
    }
  }

  /** Gives back what was taken. */
  free(): void {
    Deno.removeSync(`${this.#path}/filler`, { recursive: true });
  }

  remount(options: "ro" | "rw"): void {
    shell(`mount -o remount,${options} '${this.#path}'`);
  }

  [Symbol.dispose](): void {
    shell(`umount -l '${this.#path}'`);
  }
}
