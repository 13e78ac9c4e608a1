import { ExitCode, HostFactoryError } from "../errors.ts";
import type { Locks } from "../workdir/store/lock.ts";
import { doubtService, type LockHolder, noteHolder, readHolder } from "../workdir/store/lock_holder.ts";
import type { Workdir } from "../workdir/store/workdir.ts";

/** The locks of the watchers that a process runs: all of them or none. */
export class DirectoryLocks {
  readonly #workdir: Workdir;
  readonly #locks: Locks;
  readonly #watchers: readonly string[];
  readonly #holder: LockHolder;
  #release: (() => void) | undefined;
  /** The leases that our predecessors on this host asked for: their locks were free, so they are dead. */
  #dead: ReadonlySet<string> = new Set();

  constructor(options: { workdir: Workdir; locks: Locks; watchers: readonly string[]; holder: LockHolder }) {
    this.#workdir = options.workdir;
    this.#locks = options.locks;
    this.#watchers = options.watchers;
    this.#holder = options.holder;
  }

  get areOurs(): boolean {
    return this.#release !== undefined;
  }

  /** True for the lease identity of a process that had these locks before us, on this host, and is known to be dead. */
  isDead(lease: string): boolean {
    return this.areOurs && this.#dead.has(lease);
  }

  /** True if another host has noted lately that it serves the directory: not on every file system do locks keep hosts apart. */
  isServedElsewhere(nowMs: number): boolean {
    return this.#watchers.some((watcher) =>
      readHolder(this.#workdir, watcher)?.host !== this.#holder.host &&
      doubtService(this.#workdir, watcher, nowMs) === undefined
    );
  }

  /**
   * Takes them, unless they are ours already.
   * @param options `isFenced`: their holder does nothing any more, and loses them
   * @returns who has one of them, if they cannot be ours now; as far as that one has noted it
   */
  take({ isFenced = false } = {}): Partial<LockHolder> | undefined {
    if (this.#release) return undefined;
    const releases: (() => void)[] = [];
    const dead = new Set<string>();
    const release = () => releases.forEach((release) => release());
    for (const watcher of this.#watchers) {
      const before = readHolder(this.#workdir, watcher);
      try {
        releases.push(this.#locks.take(this.#workdir, watcher, { isFenced }));
      } catch (error) {
        release();
        if (error instanceof HostFactoryError && error.exitCode === ExitCode.locked) return before ?? {};
        throw error;
      }
      if (!isFenced && before?.lease !== undefined && before.host === this.#holder.host) dead.add(before.lease);
    }
    this.#dead = dead;
    this.#release = release;
    return undefined;
  }

  /** Notes for each of them who we are, and that we are there now; for verbs, and for any process that finds them locked. */
  note(more: Pick<LockHolder, "instance" | "seenAt" | "lease" | "standby">): void {
    for (const watcher of this.#watchers) noteHolder(this.#workdir, watcher, { ...this.#holder, ...more });
  }

  /**
   * Releases them, and goes on asking for the lease: a process that finds them free must not take us for dead.
   * @throws HostFactoryError if that cannot be noted; they are released all the same
   */
  letGo(): void {
    try {
      for (const watcher of this.areOurs ? this.#watchers : []) {
        const noted = readHolder(this.#workdir, watcher);
        if (noted?.lease === undefined || !this.#isOwn(noted)) continue;
        const { lease: _, ...rest } = noted;
        noteHolder(this.#workdir, watcher, rest);
      }
    } finally {
      this.release();
    }
  }

  /** Releases them for good: this process asks for the lease no more. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #isOwn({ host, pid }: LockHolder): boolean {
    return host === this.#holder.host && pid === this.#holder.pid;
  }
}
