import { epochSeconds } from "../clock.ts";
import { describeError } from "../errors.ts";
import { isNotFound } from "../files.ts";
import { parseMachineName } from "../hf/names.ts";
import { machineStatus } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { RETURN_ANNOTATION } from "../templates/podspec.ts";
import {
  type MachineRecord,
  type PodNotes,
  readMachineRecord,
  readPodFacts,
  readStatusWord,
  writeMachineRecord,
} from "../workdir/machines.ts";
import { addLost } from "../workdir/lost.ts";
import { syncRequest } from "../workdir/requests.ts";
import type { Workdir } from "../workdir/workdir.ts";
import { hindranceOf, isNotedAs } from "./hindrance.ts";
import { type MachineState, stateOfGone, stateOfPod, stateOfReplaced } from "./machine_state.ts";
import { podFileText, readPodFile } from "./pod_file.ts";
import { once } from "./once.ts";
import { hasEnded } from "./up.ts";
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
  const last = "pod" in sighting ? sighting.pod : sighting.gone ?? readPodFile(workdir, name);
  const word = readStatusWord(workdir, name);
  const record = readMachineRecord(workdir, name);
  // The cluster remembers what was given back, should the return request be lost.
  const returned = returns.has(name) || last?.metadata.annotations?.[RETURN_ANNOTATION] !== undefined;
  const known = { word, record, returned };
  if (!("pod" in sighting)) return stateOfGone(last, known);
  // Only a machine that has been seen can have had another pod.
  const hasBeenSeen = word !== undefined && word !== "creating" && word !== "deleted";
  const before = hasBeenSeen ? readPodFile(workdir, name) : undefined;
  const uid = hasBeenSeen ? before?.metadata.uid ?? record?.uid : undefined;
  const isReplaced = uid !== undefined && uid !== sighting.pod.metadata.uid;
  return isReplaced ? stateOfReplaced(before, known) : stateOfPod(sighting.pod, known);
}

/**
 * Writes down what was seen of machines. Each may be repeated; one that cannot be written holds up no other.
 * @returns what went wrong, by machine
 */
export function writeSightings(
  watching: Pick<Watching, "workdir" | "returns" | "kube">,
  sightings: Iterable<[machine: string, sighting: Sighting]>,
): Map<string, unknown> {
  const { workdir } = watching;
  const failed = new Map<string, unknown>();
  const syncs = new Map<string, () => void>();
  const syncMachines = once(() => workdir.files.sync(workdir.layout.machines));
  const states = new Map<string, [Sighting, MachineState]>();
  /** The pod file of the last machine that went, hidden: it becomes the note on the next one's end. */
  let spare: string | undefined;
  for (const [name, sighting] of sightings) {
    try {
      const state = stateOfSighting(watching, name, sighting);
      // What Symphony may be told of a machine's end must not be undone by a power failure that forgets its creation,
      // nor by one that forgets how it ended: a note that is lost reads as one of a machine that was up and returned.
      if (machineStatus(state.word) === "terminated") syncOnce(name);
      if (state.record && mustLast(state.record)) writeMachineRecord(workdir, name, state.record, { sync: true });
      states.set(name, [sighting, state]);
    } catch (error) {
      failed.set(name, error);
    }
  }
  const lasting: string[] = [];
  for (const [name, [sighting, state]] of states) {
    try {
      if (state.record && mustLast(state.record)) {
        syncMachines();
        lasting.push(name);
      }
      write(name, sighting, state);
    } catch (error) {
      failed.set(name, error);
    }
  }
  dropSpare();
  try {
    if (lasting.length > 0) workdir.files.sync(workdir.layout.podsStatus);
  } catch (error) {
    for (const name of lasting) if (!failed.has(name)) failed.set(name, error);
  }
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
    if ("pod" in sighting) workdir.write(path, podFileText(sighting.pod, notesOf(watching, name, sighting.pod)));
    if (record && !mustLast(record)) {
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
      // As long as its pod file is there, it is found by that.
      if (!watching.returns.has(name)) addLost(workdir, name);
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

/** What keeps the pod from working, or that it has ended, and since when that has been seen: its file remembers. */
function notesOf(
  { workdir, kube }: Pick<Watching, "workdir" | "kube">,
  machine: string,
  pod: Pod,
): PodNotes | undefined {
  const isOver = hasEnded(pod);
  const hindrance = hindranceOf(pod);
  if (!isOver && !hindrance) return undefined;
  const before = readPodFacts(workdir, machine);
  const known: PodNotes = before?.uid === pod.metadata.uid ? before ?? {} : {};
  const clusterNow = kube.now();
  const now = clusterNow === undefined ? undefined : epochSeconds(clusterNow);
  if (hindrance) {
    const { what, isCertain } = hindrance;
    const since = (isNotedAs(what, known.hindered) ? known.hindered?.since : undefined) ?? now;
    return { hindered: { what, ...(since === undefined ? {} : { since }), isCertain } };
  }
  // One in the future was noted while the cluster's clock was wrong.
  const endedAt = Math.min(known.endedAt ?? Infinity, now ?? Infinity);
  return Number.isFinite(endedAt) ? { endedAt } : undefined;
}

/** True for the note of an end that Symphony could be told otherwise without it. */
function mustLast({ up, returned }: MachineRecord): boolean {
  return !up || !returned;
}

function syncIfThere(workdir: Workdir, requestId: string): void {
  try {
    if (workdir.kind(workdir.layout.request(requestId)) === "directory") syncRequest(workdir, requestId);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
