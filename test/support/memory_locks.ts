import { ExitCode, HostFactoryError } from "../../src/errors.ts";
import type { Locks } from "../../src/workdir/store/lock.ts";

/** Locks of one host, which die with the process that has them. */
export class MemoryLocks {
  readonly #holders = new Map<string, symbol>();

  /** As one process takes them. `kill` ends it. */
  process(): Locks & { kill: () => void } {
    const self = Symbol();
    let isDead = false;
    return {
      take: ({ layout }, watcher, { isFenced = false } = {}) => {
        if (isDead) throw new Error("the process is dead");
        const lock = layout.lock(watcher);
        if (this.#holders.has(lock) && !isFenced) throw new HostFactoryError("locked", { exitCode: ExitCode.locked });
        this.#holders.set(lock, self);
        return () => void (this.#holders.get(lock) === self && this.#holders.delete(lock));
      },
      kill: () => {
        isDead = true;
        for (const [lock, holder] of this.#holders) if (holder === self) this.#holders.delete(lock);
      },
    };
  }
}
