import type { MachineState } from "../../src/hf/status.ts";
import { answersAtOnce, completeIsComplete, knownIsReported, printedIsOnDisk } from "./invariants_of_answers.ts";
import { storedOnce } from "./invariants_of_events.ts";
import { deletionsWait, passesExtensions, refusedIsFailed, upIsTold } from "./invariants_of_extensions.ts";
import {
  goneIsSeenGone,
  keptIsKept,
  oneOwner,
  onePod,
  onlyOurs,
  remembered,
  returnedIsNotCreated,
} from "./invariants_of_pods.ts";
import { badThingsStandAlone, bounded, levelNotEdge, pureDecisions, stepBack } from "./invariants_of_rest.ts";
import type { Host } from "./host.ts";
import type { Process } from "./process.ts";
import type { Simulation } from "./simulation.ts";
import type { Life } from "./truth.ts";
import type { Call } from "./wire.ts";

export type Verb =
  | "getAvailableTemplates"
  | "requestMachines"
  | "getRequestStatus"
  | "requestReturnMachines"
  | "getReturnRequests";

/** A verb that was run to its end. */
export interface VerbRun {
  verb: Verb;
  input: unknown;
  answer: object;
  /** It answered that it could not do it. */
  failed: boolean;
  /** Nothing was wrong with the disk all the while, and no one took files away. */
  isWell: boolean;
  tookMs: number;
  /** What it may have taken on this disk: no time at all, a few syncs, or any time. */
  mostMs: number;
}

/** What an invariant is shown of a run, as it happens. Each says what is wrong, or nothing. */
export interface Witness {
  answered?(run: VerbRun): string | undefined;
  /** A process sends something to the cluster. */
  sent?(call: Call, by: { process: Process; host: Host }): string | undefined;
  podChanged?(type: string, life: Life): string | undefined;
  /** A batch of events came into the spool of a host, or was removed from it. */
  batchChanged?(host: Host, path: string): string | undefined;
  stateWritten?(machine: string, state: MachineState): string | undefined;
  /** A process was killed, or the power failed; nothing has been started since. */
  crashed?(): string | undefined;
  /** A `serve` ended by itself. */
  ended?(end: { process: Process; host: Host; error: unknown; wasTold: boolean }): string | undefined;
  /** All trouble is over: what is still amiss. */
  rested?(): string | undefined;
}

/** One of the sixteen of the architecture, by its number and title; beyond, what extensions are promised, and what becomes of events. */
export interface Invariant extends Witness {
  number: number;
  title: string;
}

/** All of them, watching one run. */
export function invariantsOf(simulation: Simulation): Invariant[] {
  return [
    answersAtOnce,
    printedIsOnDisk,
    levelNotEdge,
    pureDecisions,
    onePod,
    goneIsSeenGone,
    completeIsComplete,
    knownIsReported,
    returnedIsNotCreated,
    badThingsStandAlone,
    remembered,
    onlyOurs,
    bounded,
    stepBack,
    keptIsKept,
    oneOwner,
    passesExtensions,
    refusedIsFailed,
    upIsTold,
    deletionsWait,
    storedOnce,
  ].map((invariant) => invariant(simulation));
}
