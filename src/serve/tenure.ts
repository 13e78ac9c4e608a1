// This file is long: every way into and out of a tenure opens or closes the same fence, and is read beside the others.
import { type Clock, NOT_NEEDED } from "../clock.ts";
import { describeError, ExitCode, HostFactoryError } from "../errors.ts";
import type { Kube } from "../kube/kube.ts";
import { LeaseContender, type LeaseHolder, leaseName, type LeaseState } from "../kube/lease.ts";
import { logger } from "../log.ts";
import type { Random } from "../random.ts";
import { backoffMs } from "../watchers/work/backoff.ts";
import { giveIdentity, type Identity, newIdentity, readIdentity, writeIdentity } from "../workdir/identity.ts";
import { describeHolder, type LockHolder } from "../workdir/store/lock_holder.ts";
import { hasUnhandledRequests, markOutdatedRequests } from "../workdir/outdated_requests.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import type { DirectoryLocks } from "./directory_locks.ts";
import type { Fence } from "./fence.ts";

/** How long, in milliseconds, it may take to let go of the lease when the process ends: else others wait for it to expire. */
const RELEASE_MS = 2_000;

/** How often, in milliseconds, a standby notes in a directory of its own that it is there. */
const NOTE_EVERY_MS = 10_000;

/** How long, in milliseconds, a standby's own directory may have requests before that is no fail-over any more. */
const TWO_SITES_MS = 45_000;

/** How often, in milliseconds, the lease is asked for again if it was not granted. */
const GRANT_EVERY_MS = 60_000;

/** Identities of work directories that are remembered because this one took their place, at most. */
const MOST_TAKEN_OVER = 100;

const log = logger("tenure");

/** On which terms a process owns the provider instance and the work directory. */
export interface Terms {
  identity: Identity;
  /** True if the lease says so: then every pod that carries the instance's name is ours, whichever directory made it. */
  isLeased: boolean;
}

export interface TenureOptions {
  /** Not fenced. */
  workdir: Workdir;
  kube: Pick<Kube, "getLease" | "createLease" | "updateLease">;
  clock: Clock;
  random: Random;
  locks: DirectoryLocks;
  fence: Fence;
  holder: LockHolder;
  instance: string;
  /** Processes that each run some of the watchers, on one host and one directory, hold the lease together. */
  isShared: boolean;
  /** Why the cluster cannot be used, as one sentence; `undefined` if it can. */
  refusal: () => string | undefined;
}

/**
 * How a process comes to own a provider instance and its work directory, keeps them, and lets go of them, so that each has one
 * owner at a time. The instance belongs to the holder of its lease in the namespace, the directory to the holder of its locks.
 * Until both are ours, nothing is changed: this process is a standby.
 */
export class Tenure {
  readonly #options: TenureOptions;
  #identity: Identity | undefined;
  #contender: LeaseContender | undefined;
  /** What tells this process from others that ask for the lease. */
  readonly #own: string;
  #state: LeaseState = { kind: "unknown", error: undefined };
  /** We were told of the lease once: to be refused from then on is trouble that passes, and no reason to go on without it. */
  #wasGranted = false;
  /** We take no part in the lease: a process that finds our locks must not take them from us. */
  #isUnleased = false;
  /** Another work directory that was seen to have, or to have had, the instance. */
  #other: string | undefined;
  #said: string | undefined;
  #standbyMs: number | undefined;
  #noteDueMs = -Infinity;
  #keeping: { stop: AbortController; kept: Promise<void>; lost: () => void } | undefined;
  #trouble: string | undefined;
  /** Since when it has that trouble, on the monotonic clock. */
  #troubledSinceMs = 0;

  constructor(options: TenureOptions) {
    this.#options = options;
    this.#own = newIdentity(options.workdir).id;
  }

  /** Why the tenure may be about to end, as one sentence; `undefined` if all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Why this process owns nothing, as it has last said; `undefined` while it is the owner, or has not tried. */
  get standby(): string | undefined {
    return this.#said;
  }

  /** The identity by which this process asks for the lease. */
  get leaseIdentity(): string {
    const { holder, isShared } = this.#options;
    return `${holder.host}_${isShared ? this.#identity?.id : this.#own}`;
  }

  /** Notes beside the locks who we are and that we are there. @param standby why the directory is not served now, if it is not */
  note(standby: string | undefined): void {
    const { clock, locks, instance } = this.#options;
    this.#noteDueMs = clock.monotonic() + NOTE_EVERY_MS;
    const seenAt = new Date(clock.now()).toISOString();
    const lease = this.#isUnleased ? {} : { lease: this.leaseIdentity };
    locks.note({ instance, seenAt, ...lease, ...(standby === undefined ? {} : { standby }) });
  }

  /**
   * Waits, as a standby, until instance and directory are ours.
   * @param options `lost` is called once they are not any more; `mayThrow`: a directory that cannot be used is not waited for
   * @returns nothing if `stopping` aborts before
   * @throws HostFactoryError if the work directory cannot be used
   */
  async begin(
    stopping: AbortSignal,
    { lost, mayThrow }: { lost: () => void; mayThrow: boolean },
  ): Promise<Terms | undefined> {
    const { clock, random } = this.#options;
    for (let failures = 0; !stopping.aborted;) {
      let waitMs = 0;
      const said = this.#said;
      try {
        const terms = await this.#try(stopping, lost);
        if (terms) return terms;
        const why = this.#said;
        if (why !== said) log.warn("Standby: nothing is changed", { workdir: this.#options.workdir.layout.root, why });
        failures = 0;
        waitMs = this.#contender?.pauseMs(this.#state) ?? backoffMs(1, random);
      } catch (error) {
        if (stopping.aborted) break;
        if (mayThrow && failures === 0) throw error;
        waitMs = backoffMs(++failures, random);
        log.error("Work directory not usable", { error: describeError(error), retryMs: Math.round(waitMs) });
        await this.#releaseLease(); // Another directory may be.
      }
      await clock.sleep(waitMs, stopping).catch(() => {});
    }
    await this.end();
    return undefined;
  }

  /** As `begin`, without waiting. @throws HostFactoryError that says why not; with exit code 3 if there is another owner */
  async beginNow(signal: AbortSignal): Promise<Terms> {
    const terms = await this.#try(signal, () => {});
    if (terms) return terms;
    await this.end();
    const isAway = this.#state.kind === "unknown" && this.#state.error !== undefined;
    throw new HostFactoryError(`Cannot change '${this.#options.workdir.layout.root}' now: ${this.#said}`, {
      ...(isAway ? {} : { exitCode: ExitCode.locked }),
    });
  }

  /** Stops all changes, and keeps the lease: the directory is not the one any more that was taken. */
  async pause(): Promise<void> {
    await this.#stopKeeping();
    this.#letGoOfLocks();
  }

  /** Takes in that the directory belongs to another cluster from now on, where the lease is not ours yet. */
  moved(): void {
    this.#options.fence.close();
    this.#keeping?.lost();
  }

  /** Gives instance and directory to others, as far as they are ours. */
  async end(): Promise<void> {
    const { clock, locks } = this.#options;
    const wasOwner = this.#keeping !== undefined;
    await this.#stopKeeping();
    if (wasOwner && locks.areOurs) this.#tryNote(`its serve was stopped at ${new Date(clock.now()).toISOString()}`);
    await this.#releaseLease();
    locks.release();
  }

  async #try(signal: AbortSignal, lost: () => void): Promise<Terms | undefined> {
    const { workdir, locks, fence, instance, refusal } = this.#options;
    await workdir.prepare();
    let lockedBy = locks.take();
    // The lease of one instance says nothing about a process that asks for that of another.
    if ((lockedBy?.instance ?? instance) !== instance) {
      return this.#wait(`${describeHolder(lockedBy)} serves it as instance '${lockedBy?.instance}'`);
    }
    const identity = await this.#identify();
    if (!identity) return this.#wait(`${describeHolder(lockedBy)} is about to begin to serve it`);
    const contender = this.#contender ??= this.#contend(identity);
    const state = this.#state = await contender.try({ signal, isDead: (lease) => locks.isDead(lease) });
    if (state.kind === "held" || state.kind === "waiting") this.#wasGranted = true;
    switch (state.kind) {
      case "unknown":
        return this.#waitHere(refusal() ?? `the lease cannot be asked for: ${describeError(state.error)}`);
      case "waiting":
        return await this.#standBy(state.holder, identity);
      case "refused":
        if (!this.#wasGranted && !lockedBy) return this.#beginUnleased(identity, { error: state.error, lost });
        return this.#wait(lockedBy ? `${describeHolder(lockedBy)} serves it` : describeError(state.error));
    }
    this.#isUnleased = false;
    // A process that has the locks and asks for the lease, too, is fenced by now, asleep perhaps; of any other nothing is known.
    if (lockedBy?.lease !== undefined) lockedBy = locks.take({ isFenced: true });
    if (lockedBy) return this.#wait(`${describeHolder(lockedBy)} serves it, and asks for no lease`);
    const taken = state.before ? await this.#noteOther(state.before, identity) : identity;
    fence.openUntil(state.untilMs);
    return this.#begun({ identity: taken, isLeased: true }, {
      lost,
      keep: (signal) => this.#keep(contender, { signal, lost }),
    });
  }

  /** The directory's identity; written if there is none yet, and nothing if that is up to another process. */
  async #identify(): Promise<Identity | undefined> {
    const { workdir, locks } = this.#options;
    const written = readIdentity(workdir);
    if (!written && !locks.areOurs) return undefined;
    // A directory that was emptied under us stays the same one.
    const identity = written ?? await giveIdentity(workdir, this.#identity ?? newIdentity(workdir));
    const isAnother = this.#identity?.id !== identity.id;
    this.#identity = identity;
    if (isAnother) this.#contender = this.#contend(identity);
    return identity;
  }

  #contend({ id }: Identity): LeaseContender {
    const { kube, clock, random, holder, workdir, instance } = this.#options;
    const place = `${holder.host}:${workdir.layout.root}`;
    const contender = { identity: this.leaseIdentity, workdir: id, place };
    return new LeaseContender({ kube, clock, random, name: leaseName(instance), contender });
  }

  /** As `#wait`, and tells verbs, if the directory would be ours to serve. */
  #waitHere(why: string): undefined {
    const { clock, locks } = this.#options;
    const isDue = why !== this.#said || clock.monotonic() >= this.#noteDueMs;
    if (isDue && locks.areOurs && !locks.isServedElsewhere(clock.now())) this.#tryNote(why);
    return this.#wait(why);
  }

  /** Takes in why this process does not own anything now. */
  #wait(why: string): undefined {
    this.#said = why;
    return undefined;
  }

  /** Another process has the lease. */
  async #standBy(holder: LeaseHolder, identity: Identity): Promise<undefined> {
    const { workdir, clock, instance, locks } = this.#options;
    const who = holder.place === "" ? holder.identity : holder.place;
    const isSame = holder.workdir === identity.id;
    this.#standbyMs ??= clock.monotonic();
    this.#isUnleased = false;
    // The holder of the lease needs the locks of the same directory.
    if (isSame) this.#letGoOfLocks();
    let why = `instance '${instance}' is served from ${who}`;
    if (!isSame && locks.areOurs) {
      await this.#noteOther(holder, identity);
      if (clock.monotonic() > this.#standbyMs + TWO_SITES_MS && hasUnhandledRequests(workdir)) {
        why = `two sites have the instance name '${instance}': this one gets requests, but ${who} has the lease; ` +
          "give each site an --instance of its own";
        if (this.#said !== why) log.error("Two sites with one name", { workdir: workdir.layout.root, why });
      }
      if (why !== this.#said || clock.monotonic() >= this.#noteDueMs) this.#tryNote(why);
    }
    return this.#wait(why);
  }

  #tryNote(standby: string | undefined): void {
    this.#unlessUnwritable(() => this.note(standby));
  }

  #letGoOfLocks(): void {
    this.#unlessUnwritable(() => this.#options.locks.letGo());
  }

  #unlessUnwritable(note: () => void): void {
    try {
      note();
    } catch (error) {
      log.warn("Who has the locks cannot be noted", { error: describeError(error) });
    }
  }

  /** Takes in that another work directory has the instance, or had it until now. */
  async #noteOther({ workdir: other, place }: LeaseHolder, identity: Identity): Promise<Identity> {
    const { workdir, clock } = this.#options;
    if (other === "" || other === identity.id || other === this.#other) return identity;
    const outdated = await markOutdatedRequests(workdir, clock.now());
    const takenOver = [...identity.takenOver.filter((id) => id !== other), other].slice(-MOST_TAKEN_OVER);
    const next = { ...identity, takenOver };
    await writeIdentity(workdir, next);
    this.#other = other;
    this.#identity = next;
    log.warn("Another work directory has served this instance", { place, outdatedRequests: outdated });
    return next;
  }

  /** The directory is ours, but leases are not granted: of the instance's pods only those are ours that it made. */
  #beginUnleased(identity: Identity, { error, lost }: { error: unknown; lost: () => void }): Terms {
    log.error("Serving without a lease: a second serve elsewhere would not be noticed, and its pods are left alone", {
      error: describeError(error),
    });
    this.#isUnleased = true;
    this.#options.fence.openUntil(Infinity);
    const keep = (signal: AbortSignal) => this.#awaitGrant(signal, lost);
    return this.#begun({ identity, isLeased: false }, { lost, keep });
  }

  #begun(terms: Terms, { lost, keep }: { lost: () => void; keep: (signal: AbortSignal) => Promise<void> }): Terms {
    const { workdir, instance } = this.#options;
    this.#said = this.#standbyMs = this.#trouble = undefined;
    this.#tryNote(undefined);
    const stop = new AbortController();
    this.#keeping = { stop, kept: keep(stop.signal), lost };
    log.info("Owner", { workdir: workdir.layout.root, instance, isLeased: terms.isLeased });
    return terms;
  }

  /** Asks for the lease now and then: it may be granted by now. */
  async #awaitGrant(signal: AbortSignal, lost: () => void): Promise<void> {
    const { clock, fence, locks } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(GRANT_EVERY_MS, signal).catch(() => {});
      if (signal.aborted) return;
      const state = await this.#contender?.try({ signal, isDead: (lease) => locks.isDead(lease) }).catch(() =>
        undefined
      );
      if (signal.aborted || state?.kind === "refused" || state?.kind === "unknown" || !state) continue;
      log.info("Leases are granted now: starting over with one");
      fence.close();
      return lost();
    }
  }

  /** Renews the lease until it is told to stop, or the lease is another's. */
  async #keep(contender: LeaseContender, { signal, lost }: { signal: AbortSignal; lost: () => void }): Promise<void> {
    const { clock, fence } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(contender.pauseMs(this.#state), signal).catch(() => {});
      if (signal.aborted) return;
      const state = this.#state = await contender.try({ signal, isDead: () => false }).catch((error) => ({
        kind: "unknown" as const,
        error,
      }));
      if (signal.aborted) return;
      if (state.kind === "held" && state.isRenewal) {
        if (this.#trouble !== undefined) {
          log.info("Lease renewed", { awaySeconds: Math.round((clock.monotonic() - this.#troubledSinceMs) / 1_000) });
        }
        this.#trouble = undefined;
        fence.openUntil(state.untilMs);
      } else if (state.kind === "held" || state.kind === "waiting") {
        fence.close();
        const holder = state.kind === "waiting" ? state.holder.place || state.holder.identity : "nobody";
        log.error("Lease lost: all that is under way is given up", { holder });
        return lost();
      } else {
        if (this.#trouble === undefined) this.#troubledSinceMs = clock.monotonic();
        this.#trouble ??= this.#complain(state.error);
      }
    }
  }

  #complain(error: unknown): string {
    const trouble = `the lease cannot be renewed: ${describeError(error)}`;
    log.warn("Lease not renewed: without it nothing is changed after ten seconds", { error: describeError(error) });
    return trouble;
  }

  async #stopKeeping(): Promise<void> {
    this.#options.fence.close();
    this.#keeping?.stop.abort(NOT_NEEDED);
    await this.#keeping?.kept;
    this.#keeping = undefined;
  }

  /** One that is held together with others stays theirs. */
  async #releaseLease(): Promise<void> {
    const { clock, isShared } = this.#options;
    if (isShared || !this.#contender) return;
    const late = new AbortController();
    const done = new AbortController();
    void clock.sleep(RELEASE_MS, done.signal).then(() => late.abort(NOT_NEEDED), () => {});
    try {
      await this.#contender.release({ signal: late.signal });
    } catch (error) {
      if (!late.signal.aborted) log.warn("Lease not released: others wait for it", { error: describeError(error) });
    }
    done.abort(NOT_NEEDED);
  }
}
