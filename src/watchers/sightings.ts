import { epochSeconds } from "../clock.ts";
import { machineStatus } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import { RETURN_ANNOTATION } from "../templates/podspec.ts";
import { type Change, commit } from "../workdir/commit.ts";
import { type PodNotes, readMachineRecord, readPodFacts, readStatusWord } from "../workdir/machines.ts";
import { hindranceOf, isNotedAs } from "./hindrance.ts";
import { type KnownMachine, type MachineState, stateOfGone, stateOfPod, stateOfReplaced } from "./machine_state.ts";
import { podFileText, readPodFile } from "./pod_file.ts";
import { hasEnded } from "./up.ts";
import type { Watching } from "./watching.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state where it was given). */
export type Sighting = { pod: Pod } | { gone: Pod | undefined };

/** What the work directory is to say of the machine. */
export function stateOfSighting(
  watching: Pick<Watching, "workdir" | "returns">,
  name: string,
  sighting: Sighting,
): MachineState {
  return judge(watching, name, sighting).state;
}

/** What the work directory says of the machine, and what it is to say. */
function judge(
  { workdir, returns }: Pick<Watching, "workdir" | "returns">,
  name: string,
  sighting: Sighting,
): { known: KnownMachine; state: MachineState } {
  const last = "pod" in sighting ? sighting.pod : sighting.gone ?? readPodFile(workdir, name);
  const word = readStatusWord(workdir, name);
  const record = readMachineRecord(workdir, name);
  // The cluster remembers what was given back, should the return request be lost.
  const returned = returns.has(name) || last?.metadata.annotations?.[RETURN_ANNOTATION] !== undefined;
  const known = { word, record, returned };
  if (!("pod" in sighting)) return { known, state: stateOfGone(last, known) };
  // Only a machine that has been seen can have had another pod.
  const hasBeenSeen = word !== undefined && word !== "creating" && word !== "deleted";
  const before = hasBeenSeen ? readPodFile(workdir, name) : undefined;
  const uid = hasBeenSeen ? before?.metadata.uid ?? record?.uid : undefined;
  const isReplaced = uid !== undefined && uid !== sighting.pod.metadata.uid;
  return { known, state: isReplaced ? stateOfReplaced(before, known) : stateOfPod(sighting.pod, known) };
}

/** Writes down what was seen of machines. @returns what went wrong, by machine */
export function writeSightings(
  watching: Pick<Watching, "workdir" | "clock" | "returns" | "kube">,
  sightings: Iterable<[machine: string, sighting: Sighting]>,
): Promise<Map<string, unknown>> {
  return commit(
    watching,
    Array.from(sightings, ([name, sighting]) => [name, () => changeOfSighting(watching, name, sighting)]),
  );
}

/** What is to be written of a machine that was seen. */
export function changeOfSighting(
  watching: Pick<Watching, "workdir" | "returns" | "kube">,
  name: string,
  sighting: Sighting,
): Change {
  const { known, state } = judge(watching, name, sighting);
  const change = { word: state.word, tombstone: state.record, lasts: mustLast(known, state) };
  if ("gone" in sighting) return { ...change, pod: "gone", isLost: () => !watching.returns.has(name) };
  return { ...change, pod: () => podFileText(sighting.pod, notesOf(watching, name, sighting.pod)) };
}

/**
 * True where something new is told of an end that Symphony could be told otherwise without the note on it. That this is
 * there already does not mean that it lasts: whoever wrote it may have died before it did.
 */
function mustLast(known: KnownMachine, { word, record = known.record }: MachineState): boolean {
  const isNew = record !== known.record || word !== known.word;
  return isNew && machineStatus(word) === "terminated" && record !== undefined && (!record.up || !record.returned);
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
