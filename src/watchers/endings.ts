import { parseMachineName } from "../hf/names.ts";
import type { StatusWord } from "../hf/status.ts";
import { type MachineRecord, readStatusWord, writeMachineRecord, writeStatusWord } from "../workdir/machines.ts";
import { readMachineEntry, settleMachine, syncRequest } from "../workdir/requests.ts";
import type { Workdir } from "../workdir/workdir.ts";
import { once } from "./once.ts";

/** A machine that is never to run: why, and what it is to be called from now on. */
export interface Ending {
  machine: string;
  word: Extract<StatusWord, "failed" | "deleted">;
  record: MachineRecord;
}

/**
 * Ends machines for good, so that neither a crash nor a power failure undoes what Symphony was told: first why, then that
 * no pod is to be created, each made to last, and only then the words. Each may be repeated; one that cannot be ended
 * holds up no other.
 * @returns what went wrong with those that are to be tried again
 */
export function endMachines(workdir: Workdir, endings: Ending[]): Map<Ending, unknown> {
  const failed = new Map<Ending, unknown>();
  const each = (act: (ending: Ending) => void) =>
    workdir.asOwner(() => {
      for (const ending of endings) {
        if (failed.has(ending)) continue;
        try {
          act(ending);
        } catch (error) {
          failed.set(ending, error);
        }
      }
    });
  const syncMachines = once(() => workdir.files.sync(workdir.layout.machines));
  const syncs = new Map<string, () => void>();
  each(({ machine, record }) => writeMachineRecord(workdir, machine, record, { sync: true }));
  each(() => syncMachines());
  each(({ machine }) => {
    const requestId = parseMachineName(machine)?.requestId;
    const entry = readMachineEntry(workdir, machine);
    if (requestId === undefined || entry === undefined) return;
    if (entry === "pending") settleMachine(workdir, requestId, machine);
    if (!syncs.has(requestId)) syncs.set(requestId, once(() => syncRequest(workdir, requestId)));
  });
  each(({ machine }) => syncs.get(parseMachineName(machine)?.requestId ?? "")?.());
  each(({ machine, word }) => {
    // Seen gone is the last word; ours comes too late to change it.
    if (readStatusWord(workdir, machine) !== "deleted") writeStatusWord(workdir, machine, word);
  });
  const syncWords = once(() => workdir.files.sync(workdir.layout.podsStatus));
  each(() => syncWords());
  return failed;
}
