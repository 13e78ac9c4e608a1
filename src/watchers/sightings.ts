import { epochSeconds } from "../clock.ts";
import { machineStatus } from "../hf/status.ts";
import type { Pod } from "../kube/types.ts";
import { type Change, commit } from "../workdir/commit.ts";
import { type PodNotes, readMachineRecord, readStatusWord } from "../workdir/machines.ts";
import { hindranceOf, isNotedAs } from "./hindrance.ts";
import { type KnownMachine, type MachineState, stateOfGone, stateOfPod, stateOfReplaced } from "./machine_state.ts";
import { podFileText, readPodFile } from "./pod_file.ts";
import { isSigned, returnMemoryOf } from "./pod_memory.ts";
import { hasEnded } from "./up.ts";
import type { Watching } from "./watching.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state where it was given). */
export type Sighting = { pod: Pod } | { gone: Pod | undefined };

/** What the work directory is to say of the machine. */
export function stateOfSighting(
  watching: Pick<Watching, "workdir" | "returns" | "identity">,
  name: string,
  sighting: Sighting,
): MachineState {
  return judge(watching, name, sighting).state;
}

/** What the work directory says of the machine, its pod as it was seen last with our notes on it, and what it is to say. */
function judge(
  { workdir, returns, identity }: Pick<Watching, "workdir" | "returns" | "identity">,
  name: string,
  sighting: Sighting,
): { known: KnownMachine; before: ReturnType<typeof readPodFile>; state: MachineState } {
  const word = readStatusWord(workdir, name);
  const record = readMachineRecord(workdir, name);
  const known = { word, record, returned: returns.has(name) };
  if (!("pod" in sighting)) {
    const before = sighting.gone ?? readPodFile(workdir, name);
    // What we have had the cluster remember ourselves, should the return request be lost and not put back yet.
    const memory = before && returnMemoryOf(before);
    if (memory && isSigned(memory, { pod: before, identity })) known.returned = true;
    return { known, before, state: stateOfGone(before, known) };
  }
  // Only a machine that has been seen can have had another pod.
  const hasBeenSeen = word !== undefined && word !== "creating" && word !== "deleted";
  const before = hasBeenSeen ? readPodFile(workdir, name) : undefined;
  const uid = hasBeenSeen ? before?.metadata.uid ?? record?.uid : undefined;
  const isReplaced = uid !== undefined && uid !== sighting.pod.metadata.uid;
  return { known, before, state: isReplaced ? stateOfReplaced(before, known) : stateOfPod(sighting.pod, known) };
}

/** Writes down what was seen of machines. @returns what went wrong, by machine */
export function writeSightings(
  watching: Pick<Watching, "workdir" | "clock" | "returns" | "identity" | "kube">,
  sightings: Iterable<[machine: string, sighting: Sighting]>,
): Promise<Map<string, unknown>> {
  return commit(
    watching,
    Array.from(sightings, ([name, sighting]) => [name, () => changeOfSighting(watching, name, sighting)]),
  );
}

/** What is to be written of a machine that was seen. */
export function changeOfSighting(
  watching: Pick<Watching, "workdir" | "clock" | "returns" | "identity" | "kube">,
  name: string,
  sighting: Sighting,
): Change {
  const { known, before, state } = judge(watching, name, sighting);
  const isRevived = known.word === "deleted" && state.word !== "deleted";
  const change = { word: state.word, tombstone: state.record, lasts: mustLast(known, state), isRevived };
  if ("gone" in sighting) return { ...change, pod: "gone", isLost: () => !watching.returns.has(name) };
  return { ...change, pod: () => podFileText(sighting.pod, notesOf(sighting.pod, { watching, before })) };
}

/**
 * True where something new is told of an end that Symphony could be told otherwise without the note on it. That this is
 * there already does not mean that it lasts: whoever wrote it may have died before it did.
 */
function mustLast(known: KnownMachine, { word, record = known.record }: MachineState): boolean {
  if (record === "none") return false;
  const isNew = record !== known.record || word !== known.word;
  return isNew && machineStatus(word) === "terminated" && record !== undefined && (!record.up || !record.returned);
}

/** Since when a pod is known, what keeps it from working, or that it has ended, and since when that was seen. */
function notesOf(
  pod: Pod,
  { watching: { clock, kube }, before }: {
    watching: Pick<Watching, "clock" | "kube">;
    before: ReturnType<typeof readPodFile>;
  },
): PodNotes {
  const known: PodNotes = before?.metadata.uid === pod.metadata.uid ? before?.hostfactory ?? {} : {};
  const clusterNow = kube.now();
  const now = clusterNow === undefined ? undefined : epochSeconds(clusterNow);
  const hostNow = epochSeconds(clock.now());
  const notes: PodNotes = { seenAt: known.seenAt ?? hostNow };
  const hindrance = hindranceOf(pod);
  if (hindrance && !hasEnded(pod)) {
    const { what, isCertain } = hindrance;
    const same = isNotedAs(what, known.hindered) ? known.hindered : undefined;
    return { ...notes, hindered: { what, since: same?.since ?? now, seenAt: same?.seenAt ?? hostNow, isCertain } };
  }
  if (!hasEnded(pod)) return notes;
  // One in the future was noted while the cluster's clock was wrong.
  const endedAt = Math.min(known.endedAt ?? Infinity, now ?? Infinity);
  return { ...notes, ...(Number.isFinite(endedAt) ? { endedAt } : {}), endedSeenAt: known.endedSeenAt ?? hostNow };
}
