import type { Clock } from "../clock.ts";
import { integerBetween, type Random } from "../random.ts";
import { KubeError, type KubeErrorKind } from "./errors.ts";
import { isNotGranted } from "./failure.ts";
import type { Kube } from "./kube.ts";
import type { Lease } from "./types.ts";

/** Without a renewal for this long, in seconds on their own monotonic clocks, other processes may take the lease. */
export const LEASE_SECONDS = 15;

/** How long a holder may act after it sent its last renewal, in milliseconds: it stops before others begin. */
export const TERM_MS = 10_000;

/** How often a holder renews, in milliseconds; and how often it tries again after a failure, and a standby looks. */
const RENEW_EVERY_MS = 2_000;
const TRY_EVERY_MS = 1_000;

/** How long a call about the lease may take, in milliseconds: what is left of a term when its renewal is due. */
const CALL_TIMEOUT_MS = 8_000;

/** How often one try reads and takes the lease, because other processes may change it in between. */
const TURNS = 5;

/** Annotations of the lease: whose it is, for processes and for people. */
export const LeaseAnnotation = {
  /** The identity of the work directory that is served, or was last. */
  workdir: "symphony/hostfactory-workdir",
  /** Where that is: `host:/path`. */
  place: "symphony/hostfactory-place",
} as const;

/** A process that asks for the lease. */
export interface Contender {
  /** Different for every process that may hold the lease. */
  identity: string;
  /** See `LeaseAnnotation`. */
  workdir: string;
  place: string;
}

/** What a lease says of its holder. */
export interface LeaseHolder {
  identity: string;
  /** See `LeaseAnnotation`; empty if it does not say. */
  workdir: string;
  place: string;
}

/**
 * The result of one try.
 *
 * - `held`: the lease is ours until `untilMs` on the monotonic clock; `before` is its last holder before us, if any,
 * and
 *   `isRenewal` is false if it has just become ours
 * - `waiting`: another process holds it
 * - `unknown`: the API server did not say
 * - `refused`: we are not granted leases
 */
export type LeaseState =
  | { kind: "held"; untilMs: number; before: LeaseHolder | undefined; isRenewal: boolean }
  | { kind: "waiting"; holder: LeaseHolder }
  | { kind: "unknown"; error: unknown }
  | { kind: "refused"; error: unknown };

/**
 * One lease and our part in it, as in client-go's leader election (source: `tools/leaderelection/leaderelection.go`):
 * how long another process has not renewed it is measured by our own monotonic clock alone, from when we saw it change.
 * Unlike in client-go, only time in which the API server answered us counts, so that after an outage the holder has the
 * first turn.
 */
export class LeaseContender {
  readonly #kube: Pick<Kube, "getLease" | "createLease" | "updateLease">;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #name: string;
  readonly #contender: Contender;
  /** The lease as it was last seen, and since when it has been like that, on the monotonic clock. */
  #seen: { lease: Lease; sinceMs: number } | undefined;
  /** Its last holder before us. */
  #before: LeaseHolder | undefined;

  constructor(
    options: {
      kube: Pick<Kube, "getLease" | "createLease" | "updateLease">;
      clock: Clock;
      random: Random;
      name: string;
      contender: Contender;
    },
  ) {
    this.#kube = options.kube;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#name = options.name;
    this.#contender = options.contender;
  }

  /** How long to wait before the next try, in milliseconds. */
  pauseMs(state: LeaseState): number {
    const ms = state.kind === "held" ? RENEW_EVERY_MS : TRY_EVERY_MS;
    return integerBetween(this.#random, Math.round(0.9 * ms), ms);
  }

  /**
   * Takes or renews the lease if it is free, expired or ours.
   * @param options `isDead`: true if the process with this identity is known to be dead; then its lease is free
   */
  async try({ signal, isDead }: { signal: AbortSignal; isDead: (identity: string) => boolean }): Promise<LeaseState> {
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS };
    try {
      for (let turn = 1; turn <= TURNS; turn++) {
        // The holder need not read it first: if it has changed since, the update is refused.
        const lease = turn === 1 && this.#isHeld ? this.#seen?.lease : await this.#look(options);
        const holder = lease && holderOf(lease);
        if (lease && holder && !this.#isOurs(lease) && !this.#hasExpired(lease) && !isDead(holder.identity)) {
          return { kind: "waiting", holder };
        }
        const state = await this.#take(lease, options);
        if (state) return state;
      }
      throw new KubeError("conflict", `Lease '${this.#name}' has changed meanwhile`);
    } catch (error) {
      signal.throwIfAborted();
      if (isNotGranted(error)) return { kind: "refused", error };
      // On a conflict another process was quicker, and has just renewed it: what we have seen of it still counts.
      const isContest = error instanceof KubeError && error.kind === "conflict";
      if (!isContest && !this.#isHeld) this.#seen = undefined;
      return { kind: "unknown", error };
    }
  }

  /**
   * Releases the lease, if it is ours, so that others need not wait.
   * @throws KubeError if the API server refuses or fails
   */
  async release({ signal }: { signal: AbortSignal }): Promise<void> {
    const lease = this.#seen?.lease;
    if (!lease || !this.#isOurs(lease)) return;
    this.#seen = undefined;
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS };
    try {
      await this.#letGo(lease, options);
    } catch (error) {
      if (!(error instanceof KubeError) || error.kind !== "conflict") throw error;
      // A renewal that we no longer waited for has arrived, or another process holds the lease by now.
      const found = await this.#kube.getLease(this.#name, options);
      if (this.#isOurs(found)) await this.#letGo(found, options);
    }
  }

  async #letGo(lease: Lease, options: { signal: AbortSignal; timeoutMs: number }): Promise<void> {
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: this.#now() };
    await this.#kube.updateLease({ ...lease, spec }, options);
  }

  get #isHeld(): boolean {
    return this.#seen !== undefined && this.#isOurs(this.#seen.lease);
  }

  #isOurs({ spec }: Lease): boolean {
    return spec?.holderIdentity === this.#contender.identity;
  }

  #hasExpired({ spec }: Lease): boolean {
    if (!this.#seen) return false;
    const seconds = spec?.leaseDurationSeconds ?? LEASE_SECONDS;
    return this.#clock.monotonic() > this.#seen.sinceMs + seconds * 1000;
  }

  async #look(options: { signal: AbortSignal; timeoutMs: number }): Promise<Lease | undefined> {
    try {
      const lease = await this.#kube.getLease(this.#name, options);
      if (lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion) this.#see(lease);
      return lease;
    } catch (error) {
      if (!(error instanceof KubeError) || error.kind !== "notFound") throw error;
      // Someone has deleted it. That was not its holder, who does not know yet, so its term still counts.
      const seen = this.#seen?.lease;
      if (seen && holderOf(seen) && !this.#isOurs(seen) && !this.#hasExpired(seen)) return seen;
      this.#seen = undefined;
      return undefined;
    }
  }

  #see(lease: Lease): void {
    this.#seen = { lease, sinceMs: this.#clock.monotonic() };
  }

  /** @returns `undefined` if the lease has changed since it was read, or has been created or deleted */
  async #take(
    lease: Lease | undefined,
    options: { signal: AbortSignal; timeoutMs: number },
  ): Promise<LeaseState | undefined> {
    const sentMs = this.#clock.monotonic();
    const isRenewal = lease !== undefined && this.#isOurs(lease);
    const before = isRenewal ? this.#before : lease && lastHolderOf(lease);
    const wanted = this.#wanted(lease);
    try {
      this.#see(
        lease ? await this.#kube.updateLease(wanted, options) : await this.#kube.createLease(wanted, options),
      );
    } catch (error) {
      // In another namespace the one that we know is invalid.
      const outdated: KubeErrorKind[] = isRenewal ? ["conflict", "notFound", "invalid"] : ["conflict", "alreadyExists"];
      if (!(error instanceof KubeError) || !outdated.includes(error.kind)) throw error;
      return undefined;
    }
    this.#before = before;
    return { kind: "held", untilMs: sentMs + TERM_MS, before, isRenewal };
  }

  #wanted(lease: Lease | undefined): Lease {
    const { identity, workdir, place } = this.#contender;
    const { spec, metadata } = lease ?? {};
    const isRenewal = lease !== undefined && this.#isOurs(lease);
    const now = this.#now();
    const annotations = { [LeaseAnnotation.workdir]: workdir, [LeaseAnnotation.place]: place };
    return {
      ...lease,
      metadata: { ...metadata, name: this.#name, annotations: { ...metadata?.annotations, ...annotations } },
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: LEASE_SECONDS,
        acquireTime: isRenewal ? spec?.acquireTime ?? now : now,
        renewTime: now,
        leaseTransitions: (spec?.leaseTransitions ?? 0) + (isRenewal || !lease ? 0 : 1),
      },
    };
  }

  /** For people: no process compares it with its own clock. */
  #now(): string {
    return new Date(this.#clock.now()).toISOString().replace("Z", "000Z");
  }
}

/**
 * The name of the lease of a provider instance. If the instance's name is not a valid name of a Kubernetes object,
 * every character that is neither a small letter nor a digit becomes a dot and its number, after an `x`.
 */
export function leaseName(instance: string): string {
  const isName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(instance);
  const code = (character: string) => `.${character.charCodeAt(0).toString(16)}`;
  return `hostfactory-${isName ? instance : `x${instance.replace(/[^a-z0-9]/g, code)}`}`;
}

function holderOf(lease: Lease): LeaseHolder | undefined {
  return lease.spec?.holderIdentity ? lastHolderOf(lease) : undefined;
}

/** Who holds the lease, or held it last. */
function lastHolderOf({ metadata, spec }: Lease): LeaseHolder {
  const { [LeaseAnnotation.workdir]: workdir = "", [LeaseAnnotation.place]: place = "" } = metadata.annotations ?? {};
  return { identity: spec?.holderIdentity ?? "", workdir, place };
}
