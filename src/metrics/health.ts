import type { Clock } from "../clock.ts";

/** How long one step may take before its loop counts as stuck, in milliseconds. Even the longest steps take much less. */
const STUCK_MS = 600_000;

/** The answer of a health endpoint. */
export interface HealthAnswer {
  isGood: boolean;
  /** Sentences that say why it failed, or what else to know. */
  reasons: string[];
}

/** What health depends on. */
export interface Signs {
  /** Whether this process owns instance and work directory; if not, why, as far as that is known. */
  tenure: () => { isOwner: boolean; standby?: string | undefined; trouble?: string | undefined };
  /** Why the view of the pods is not to be believed, as one sentence; `undefined` if it is. */
  doubt: () => string | undefined;
}

/** Judges whether the process lives, and whether it does its work. */
export class Health {
  readonly #clock: Clock;
  #signs: Signs | undefined;
  /** When the present step of each loop began, on the monotonic clock. */
  readonly #underWay = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called once the process has begun its work: from now on `signs` decide. */
  judgeBy(signs: Signs): void {
    this.#signs = signs;
  }

  /** Whether the process has begun its work. */
  get hasBegun(): boolean {
    return this.#signs !== undefined;
  }

  stepBegan(loop: string): void {
    this.#underWay.set(loop, this.#clock.monotonic());
  }

  stepEnded(loop: string): void {
    this.#underWay.delete(loop);
  }

  /** Liveness: ok while every loop steps. A process whose event loop stands still does not answer at all. */
  live(): HealthAnswer {
    const now = this.#clock.monotonic();
    const stuck = [...this.#underWay].filter(([, sinceMs]) => now - sinceMs > STUCK_MS);
    const reasons = stuck.map(([loop, sinceMs]) =>
      `Loop '${loop}' has been in one step for ${Math.round((now - sinceMs) / 1_000)} s`
    );
    return { isGood: reasons.length === 0, reasons };
  }

  /** Readiness: ok while this process is the owner and its view of the cluster is fresh. */
  ready(): HealthAnswer {
    if (!this.#signs) return { isGood: false, reasons: ["It is starting"] };
    const doubt = this.isOwner ? this.#signs.doubt() : undefined;
    const reasons = [doubt, this.tenureTrouble].filter((reason) => reason !== undefined);
    return { isGood: this.isOwner && doubt === undefined, reasons };
  }

  /** Why this process is not the owner, or may soon lose that; `undefined` if neither is so. */
  get tenureTrouble(): string | undefined {
    if (!this.#signs) return undefined;
    const { isOwner, standby = "it does not own the instance yet", trouble } = this.#signs.tenure();
    if (!isOwner) return `Standby: ${standby}`;
    return trouble === undefined ? undefined : `Trouble: ${trouble}`;
  }

  /** Overall health: ok while it lives and is ready, or is the standby of another owner. */
  overall(): HealthAnswer {
    const [live, ready] = [this.live(), this.ready()];
    const isStandby = this.#signs !== undefined && !this.#signs.tenure().isOwner;
    return { isGood: live.isGood && (ready.isGood || isStandby), reasons: [...live.reasons, ...ready.reasons] };
  }

  /** Whether this process owns instance and directory now. */
  get isOwner(): boolean {
    return this.#signs?.tenure().isOwner ?? false;
  }

  /** Whether the lease cannot be renewed now. */
  get hasTrouble(): boolean {
    return this.#signs?.tenure().trouble !== undefined;
  }

  /** Whether the view of the pods may be believed now. */
  get isFresh(): boolean {
    return this.#signs !== undefined && this.#signs.doubt() === undefined;
  }
}
