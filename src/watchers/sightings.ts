import { describeError } from "../errors.ts";
import { isNotFound } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import { machineStatus } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { readMachineRecord, readStatusWord, writeMachineRecord } from "../workdir/machines.ts";
import { syncRequest } from "../workdir/requests.ts";
import type { Workdir } from "../workdir/workdir.ts";
import { type MachineState, stateOfGone, stateOfPod } from "./machine_state.ts";
import { podFileText, readPodFile } from "./pod_file.ts";
import { once } from "./once.ts";
import type { Watching } from "./watching.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state where it was given). */
export type Sighting = { pod: Pod } | { gone: Pod | undefined };

const log = logger("pods");

/** What the work directory is to say of the machine. */
export function stateOfSighting(
  { workdir, returns }: Pick<Watching, "workdir" | "returns">,
  name: string,
  sighting: Sighting,
): MachineState {
  const known = {
    word: readStatusWord(workdir, name),
    record: readMachineRecord(workdir, name),
    returned: returns.has(name),
  };
  if ("pod" in sighting) return stateOfPod(sighting.pod, known);
  return stateOfGone(sighting.gone ?? readPodFile(workdir, name), known);
}

/**
 * Writes down what was seen of machines. Each may be repeated; one that cannot be written holds up no other.
 * @returns what went wrong, by machine
 */
export function writeSightings(
  watching: Pick<Watching, "workdir" | "returns">,
  sightings: Iterable<[machine: string, sighting: Sighting]>,
): Map<string, unknown> {
  const { workdir } = watching;
  const failed = new Map<string, unknown>();
  const syncs = new Map<string, () => void>();
  /** The pod file of the last machine that went, hidden: it becomes the note on the next one's end. */
  let spare: string | undefined;
  for (const [name, sighting] of sightings) {
    try {
      const state = stateOfSighting(watching, name, sighting);
      // What Symphony may be told of a machine's end must not be undone by a power failure that forgets its creation.
      if (machineStatus(state.word) === "terminated") syncOnce(name);
      write(name, sighting, state);
    } catch (error) {
      failed.set(name, error);
    }
  }
  dropSpare();
  return failed;

  function syncOnce(machine: string): void {
    const requestId = parseMachineName(machine)?.requestId ?? "";
    const sync = syncs.get(requestId) ?? once(() => syncIfThere(workdir, requestId));
    syncs.set(requestId, sync);
    sync();
  }

  /** A pod before its word, so that who reads the word finds the pod; the reason before the word that needs one. */
  function write(name: string, sighting: Sighting, { word, record }: MachineState): void {
    const path = workdir.layout.pod(name);
    if ("pod" in sighting) workdir.write(path, podFileText(sighting.pod));
    if (record) {
      const options = { spare };
      spare = undefined;
      writeMachineRecord(workdir, name, record, options);
    }
    const before = readStatusWord(workdir, name);
    if (before !== word) {
      workdir.link(word, workdir.layout.podStatus(name));
      log.debug("Machine changed", { machine: name, from: before, to: word, message: record?.message });
    }
    if ("gone" in sighting) {
      dropSpare();
      spare = workdir.retire(path);
    }
  }

  function dropSpare(): void {
    try {
      if (spare !== undefined) workdir.remove(spare);
    } catch (error) {
      log.warn("Left to be swept", { path: spare, error: describeError(error) });
    }
    spare = undefined;
  }
}

function syncIfThere(workdir: Workdir, requestId: string): void {
  try {
    if (workdir.kind(workdir.layout.request(requestId)) === "directory") syncRequest(workdir, requestId);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
