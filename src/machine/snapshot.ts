import type { MachineState } from "../hf/status.ts";
import type { PodFacts } from "./pod_facts.ts";
import type { Tombstone } from "./tombstone.ts";

/**
 * All that the work directory says of one machine. Every decision about a machine is a pure function of (a part of) this, and
 * so verbs, watchers and views cannot disagree.
 */
export interface MachineSnapshot {
  readonly name: string;
  /** Its entry in its request: whether its pod is still to be created. Absent if we never issued it, or its request was lost. */
  readonly entry: "pending" | "created" | undefined;
  /** Absent if it has none that we know. */
  readonly state: MachineState | undefined;
  /** What its pod file says; absent if it has none that can be read. */
  readonly pod: PodFacts | undefined;
  /** It has a pod file, whether or not that can be read. */
  readonly hasPodFile: boolean;
  /** How it ended, as far as that is noted. */
  readonly tombstone: Tombstone | undefined;
  /** Symphony has given it back. */
  readonly returned: boolean;
}

/** What is known of a machine before a look at the cluster. */
export type KnownMachine = Pick<MachineSnapshot, "state" | "tombstone" | "returned">;
