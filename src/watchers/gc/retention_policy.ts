import { type MachineState, machineStatus } from "../../hf/status.ts";

/** How long and how much of what has come to its end is kept. */
export interface RetentionLimits {
  /** After its end. */
  retainSeconds: number;
  /**
   * Finished machines at most, and files in each spool; of finished requests, and of return requests, a tenth of that.
   * What ended first goes first.
   */
  retainMachines: number;
  /** The spools that are looked through; absent: all of them. */
  spools?: readonly string[];
}

/** Something that has come to its end. */
export interface FinishedEntry {
  /** The id of a request or return request, or the path of a file. */
  name: string;
  kind: "request" | "return" | "file";
  /** Seconds since the epoch. */
  endedAt: number;
  /** How many machines it has; a file counts as one. */
  machines: number;
}

/** What the work directory says of a machine, so far as to know whether that may change. */
export interface MachineFacts {
  state: MachineState | undefined;
  /** It has a pod, as far as we know. */
  hasPod: boolean;
  /** A return request that is not finished names it. */
  beingReturned: boolean;
  /** Its request says how many machines it has, so that one without a state is one whose state was lost. */
  needsState: boolean;
}

/** True if nothing about the machine will change any more. A node that was lost may come back with its pod. */
export function isOver({ state, hasPod, beingReturned, needsState }: MachineFacts): boolean {
  if (hasPod || beingReturned || state === "unknown") return false;
  return state === undefined ? !needsState : machineStatus(state) === "terminated";
}

/**
 * What is long past: all that is too old, and beyond the limits what ended first, requests and return requests alike, so
 * that a return request never outlives the machines that it names.
 * @param limits `now` is in seconds since the epoch
 * @returns what is to be removed, the oldest first
 */
export function decideRemovals<T extends FinishedEntry>(ended: T[], limits: RetentionLimits & { now: number }): T[] {
  const { now, retainSeconds, retainMachines } = limits;
  const most = {
    request: Math.ceil(retainMachines / 10),
    return: Math.ceil(retainMachines / 10),
    file: retainMachines,
  };
  const kept = { request: 0, return: 0, file: 0 };
  let machines = 0;
  const oldestFirst = ended.toSorted((a, b) => a.endedAt - b.endedAt || comesFirst(a) - comesFirst(b));
  for (let i = oldestFirst.length - 1; i >= 0; i--) {
    const one = oldestFirst[i];
    if (!one) break;
    kept[one.kind]++;
    if (one.kind === "request") machines += one.machines;
    const isTooMuch = kept[one.kind] > most[one.kind] || machines > retainMachines;
    if (isTooMuch || now - one.endedAt >= retainSeconds) return oldestFirst.slice(0, i + 1);
  }
  return [];
}

/** Of what ended within the same second, return requests go before the requests of their machines. */
function comesFirst({ kind }: FinishedEntry): number {
  return kind === "return" ? 0 : 1;
}
