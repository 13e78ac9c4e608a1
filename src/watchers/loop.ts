/**
 * What a step says of what is to come. Nothing else, no booleans.
 *
 * - `done`: nothing to do until something wakes the loop or its period has passed
 * - `again`: there is more to do at `atMs` (monotonic clock)
 * - `failed`: it did not work; back off, then try again
 */
export type Outcome =
  | { kind: "done" }
  | { kind: "again"; atMs: number }
  | { kind: "failed"; error: unknown };

/** A loop: a name and one step, which looks at what is wanted and what is, and does what is missing. */
export interface Loop {
  /**
   * What metrics (the label `loop`) and logs call it. Sites' alerts and dashboards go by it, so it stays when the code finds a
   * better name: `expiry` (timeouts), `set-aside` (quarantine), `leftovers` (temporary files), `return-marker` (annotations).
   */
  readonly name: string;
  step(signal: AbortSignal): Promise<Outcome>;
  /** Resolves once nothing that it began is under way. */
  drained?(): Promise<void>;
  /** False if the sync status that it wrote last is not there any more; absent if it writes none. */
  readonly viewIsOurs?: boolean;
  /** Takes in that another loop of this process has written these machines down. @returns false if it need not step for that */
  changed?(machines: string[]): boolean | void;
  /** What the stats line tells of it, by name; `undefined` is left out. */
  readonly counts?: Readonly<Record<string, number | undefined>>;
  /** What it has before it; absent if it has no queue. */
  readonly backlog?: () => Backlog;
}

/** How many pieces of work are queued, under way or waiting; and how many of these did not work and are tried again. */
export interface Backlog {
  all: number;
  failed: number;
}

/** The backlogs of the parts of a loop, as one. */
export function sumOf(backlogs: readonly Backlog[]): Backlog {
  return backlogs.reduce((sum, { all, failed }) => ({ all: sum.all + all, failed: sum.failed + failed }), {
    all: 0,
    failed: 0,
  });
}
