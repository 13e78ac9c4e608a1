import type { Clock } from "../clock.ts";

/** How long, in milliseconds, one step may take before its loop counts as stuck: the longest cuts its work into turns. */
const STUCK_MS = 600_000;

/** An answer to a question of health. */
export interface Verdict {
  isGood: boolean;
  /** Sentences: why not, or what else is to be known. */
  reasons: string[];
}

/** What health is judged by. */
export interface Signs {
  /** Whether this process owns instance and directory; else why not, if that is known. */
  tenure: () => { isOwner: boolean; standby?: string | undefined; trouble?: string | undefined };
  /** Why the view of the pods is not to be believed, as one sentence; `undefined` if it is. */
  doubt: () => string | undefined;
}

/** Whether the process lives, and whether it does its work. */
export class Health {
  readonly #clock: Clock;
  #signs: Signs | undefined;
  /** By loop, when the step that is under way began, on the monotonic clock. */
  readonly #underWay = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on these tell how it is: the process has begun its work. */
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

  /** Good while every loop steps. A process whose event loop stands still does not answer at all. */
  live(): Verdict {
    const now = this.#clock.monotonic();
    const stuck = [...this.#underWay].filter(([, sinceMs]) => now - sinceMs > STUCK_MS);
    const reasons = stuck.map(([loop, sinceMs]) =>
      `Loop '${loop}' has been in one step for ${Math.round((now - sinceMs) / 1_000)} s`
    );
    return { isGood: reasons.length === 0, reasons };
  }

  /** Good while this process is the owner and what it knows of the cluster is fresh. */
  ready(): Verdict {
    if (!this.#signs) return { isGood: false, reasons: ["It is starting"] };
    const doubt = this.isOwner ? this.#signs.doubt() : undefined;
    const reasons = [doubt, this.tenureTrouble].filter((reason) => reason !== undefined);
    return { isGood: this.isOwner && doubt === undefined, reasons };
  }

  /** Why this process owns nothing, or may soon not, as one of the reasons that it gives; `undefined` if all is well with that. */
  get tenureTrouble(): string | undefined {
    if (!this.#signs) return undefined;
    const { isOwner, standby = "it does not own the instance yet", trouble } = this.#signs.tenure();
    if (!isOwner) return `Standby: ${standby}`;
    return trouble === undefined ? undefined : `Trouble: ${trouble}`;
  }

  /** Good while it lives and is ready, or stands by for another that is the owner. */
  overall(): Verdict {
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
