import { machineStatus, type StatusWord } from "../hf/status.ts";
import type { Change } from "../workdir/commit.ts";
import { type MachineRecord, readMachineRecord, readStatusWord } from "../workdir/machines.ts";
import type { Workdir } from "../workdir/workdir.ts";

/** A machine that is never to run: why, and what it is to be called from now on. */
export interface Ending {
  machine: string;
  word: Extract<StatusWord, "failed" | "deleted">;
  record: MachineRecord;
}

/** What is to be written of a machine that is ended for good, so that nothing undoes what Symphony was told. */
export function changeOfEnding({ word, record }: Ending): Change {
  return { word, tombstone: record, lasts: true, settles: true };
}

/** The same; of a machine that has come to its own end by now, only that no pod is to be created for it. */
export function changeUnlessOver(workdir: Workdir, ending: Ending): Change {
  const word = readStatusWord(workdir, ending.machine);
  const record = readMachineRecord(workdir, ending.machine);
  const isOver = word !== undefined && machineStatus(word) === "terminated" && record && !record.givenUp;
  return isOver ? { word, lasts: false, settles: true } : changeOfEnding(ending);
}
