import { type MachineState, machineStatus } from "../../hf/status.ts";
import type { Pod } from "../../kube/types.ts";
import type { Change } from "../../workdir/commit.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import type { Tombstone } from "../../machine/tombstone.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { podFileText } from "./pod_file.ts";

/** A machine that is never to run: why, and what it is to be called from now on. */
export interface Ending {
  machine: string;
  word: Extract<MachineState, "failed" | "deleted">;
  record: Tombstone;
  /** Its pod, which was not seen before and has to go. */
  pod?: Pod;
}

/** What is to be written of a machine that is ended for good, so that nothing undoes what Symphony was told. */
export function changeOfEnding({ word, record, pod }: Ending): Change {
  const change = { word, tombstone: record, lasts: true, settles: true };
  return pod ? { ...change, pod: () => podFileText(pod) } : change;
}

/** The same; of a machine that has come to its own end by now, only that no pod is to be created for it. */
export function changeUnlessOver(workdir: Workdir, ending: Ending): Change {
  const word = readState(workdir, ending.machine);
  const record = readTombstone(workdir, ending.machine);
  const isOver = word !== undefined && machineStatus(word) === "terminated" && record && !record.givenUp;
  return isOver ? { word, lasts: false, settles: true } : changeOfEnding(ending);
}
