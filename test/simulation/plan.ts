import { integerBetween, type Random } from "../../src/random.ts";
import type { RetentionLimits } from "../../src/watchers/gc/retention_policy.ts";
import { happens, magnitude, oneOf, randomFor, someOf } from "./chance.ts";
import { type Deed, DEEDS, FAULTS, WORLD } from "./deeds.ts";

/** Something that happens at a moment of a run. Whom it hits, and how hard, follows from its own seed. */
export interface PlannedEvent {
  id: number;
  /** From the start of the run, in milliseconds. */
  atMs: number;
  deed: Deed;
  seed: number;
}

/** All that a seed decides about a run. Any part of its events may be left out, and the rest stays as it is. */
export interface Plan {
  seed: number;
  events: PlannedEvent[];
  /** How long things go wrong, in milliseconds; after that everything must come to rest. */
  troubleMs: number;
  concurrency: number;
  podTimeoutSeconds: number;
  imagePullGraceSeconds: number;
  watchTimeoutSeconds: number;
  /** How often serve lists everything again though nothing seems to be missing, in milliseconds. */
  relistMs: number;
  /** How long, and how much of, what has come to its end is kept; absent where all is. */
  retention: RetentionLimits | undefined;
  /** How often Symphony asks for the state of its requests, in milliseconds. */
  pollMs: number;
  /** Goes on until what dead processes left must have been removed. */
  waitsForSweep: boolean;
  /** Symphony gives back nothing that the cluster took, and all goes on until the pods that ended must be gone, too. */
  waitsForEnded: boolean;
  /** How far the cluster's clock is ahead, in milliseconds. */
  clusterSkewMs: number;
  /** Events are recorded and stored; a new database is begun so often, in milliseconds. Absent: they are not. */
  recording: { rotateMs: number } | undefined;
}

/** Each run has a few kinds of trouble and is spared the others, so that runs differ (swarm testing). */
export function drawPlan(seed: number): Plan {
  const random = randomFor(seed, "plan");
  const troubleMs = integerBetween(random, 60, 300) * 1000;
  const events: Omit<PlannedEvent, "id">[] = [];
  const plan = (deed: Deed, atMs: number) =>
    events.push({ atMs: Math.round(atMs), deed, seed: integerBetween(random, 0, 2 ** 31) });
  for (let n = integerBetween(random, 1, 5); n > 0; n--) plan("ask", random.next() * troubleMs * 0.8);
  for (let n = integerBetween(random, 0, 6); n > 0; n--) plan("giveBack", random.next() * troubleMs);
  const kinds = someOf(random, FAULTS, integerBetween(random, 0, 12));
  for (const kind of kinds) {
    for (let n = magnitude(random, 1, 12); n > 0; n--) plan(kind, random.next() * troubleMs);
  }
  const waitsForEnded = happens(randomFor(seed, "ended"), 0.1);
  for (let n = waitsForEnded ? integerBetween(random, 2, 5) : 0; n > 0; n--) {
    plan(oneOf(random, ["end", "evict"]), random.next() * troubleMs);
  }
  events.sort((a, b) => a.atMs - b.atMs);
  // What is drawn apart has the last ids, so that all others keep theirs.
  const all = [
    ...events,
    ...drawSyncs(seed, troubleMs),
    ...drawWorld(seed, troubleMs),
    ...drawExtensions(seed, troubleMs),
    ...drawMistakes(seed, troubleMs),
  ].map((event, id) => ({
    id,
    ...event,
  }));
  return {
    seed,
    events: all.sort((a, b) => a.atMs - b.atMs),
    // A view is believed for two minutes: an outage has to last longer to be noticed.
    troubleMs: kinds.includes("outage") ? troubleMs + 200_000 : troubleMs,
    concurrency: integerBetween(random, 1, 8),
    podTimeoutSeconds: oneOf(random, [20, 60, 120]),
    imagePullGraceSeconds: oneOf(random, [1, 60]),
    watchTimeoutSeconds: oneOf(random, [10, 30, 60]),
    relistMs: drawRelistMs(randomFor(seed, "relist")),
    retention: drawRetention(randomFor(seed, "retention")),
    pollMs: magnitude(random, 500, 10_000),
    waitsForSweep: happens(random, 0.05),
    waitsForEnded,
    clusterSkewMs: happens(random, 0.2) ? Math.round((random.next() - 0.5) * 2 * magnitude(random, 1_000, 600_000)) : 0,
    recording: drawRecording(randomFor(seed, "recording")),
  };
}

function drawSyncs(seed: number, troubleMs: number): Omit<PlannedEvent, "id">[] {
  const random = randomFor(seed, "syncs");
  const length = happens(random, 0.5) ? magnitude(random, 1, 12) : 0;
  return Array.from({ length }, () => drawEvent(random, "slowSyncs", troubleMs));
}

function drawWorld(seed: number, troubleMs: number): Omit<PlannedEvent, "id">[] {
  const random = randomFor(seed, "world");
  const kinds = happens(random, 0.2) ? [] : someOf(random, WORLD, integerBetween(random, 1, 4));
  return kinds.flatMap((deed) =>
    Array.from({ length: magnitude(random, 1, 6) }, () => drawEvent(random, deed, troubleMs))
  );
}

/** Extensions are there from the start of a run, or never. */
function drawExtensions(seed: number, troubleMs: number): Omit<PlannedEvent, "id">[] {
  const random = randomFor(seed, "extensions");
  if (!happens(random, 0.2)) return [];
  const length = happens(random, 0.7) ? magnitude(random, 1, 12) : 0;
  const troubles = Array.from({ length }, () => drawEvent(random, "hookTrouble", troubleMs));
  return [{ atMs: 0, deed: "register", seed: integerBetween(random, 0, 2 ** 31) }, ...troubles];
}

/** What Symphony asks of the wrong site. */
function drawMistakes(seed: number, troubleMs: number): Omit<PlannedEvent, "id">[] {
  const random = randomFor(seed, "mistakes");
  const length = happens(random, 0.1) ? integerBetween(random, 1, 3) : 0;
  return Array.from({ length }, () => drawEvent(random, "giveBackOthers", troubleMs));
}

/** At any time of the trouble. */
function drawEvent(random: Random, deed: Deed, troubleMs: number): Omit<PlannedEvent, "id"> {
  return { atMs: Math.round(random.next() * troubleMs), deed, seed: integerBetween(random, 0, 2 ** 31) };
}

function drawRelistMs(random: Random): number {
  return happens(random, 0.3) ? magnitude(random, 5_000, 120_000) : 600_000;
}

function drawRetention(random: Random): RetentionLimits | undefined {
  if (!happens(random, 0.3)) return undefined;
  return { retainSeconds: magnitude(random, 10, 600), retainMachines: happens(random, 0.2) ? 10 : 1_000 };
}

/** In some runs alone: what it costs adds up. */
function drawRecording(random: Random): { rotateMs: number } | undefined {
  if (!happens(random, 0.08)) return undefined;
  return { rotateMs: happens(random, 0.3) ? magnitude(random, 10_000, 300_000) : Infinity };
}

/** The plan without the events that `keep` does not name. */
export function onlyEvents(plan: Plan, keep: ReadonlySet<number>): Plan {
  return { ...plan, events: plan.events.filter(({ id }) => keep.has(id)) };
}

/** What a deed is, in words, for any process that reads a plan. */
export function describeEvent({ id, atMs, deed }: PlannedEvent): string {
  return `#${id} at ${(atMs / 1000).toFixed(1)} s: ${deed} (${DEEDS[deed].what})`;
}
