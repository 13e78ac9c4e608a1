import { epochSeconds } from "../../clock.ts";
import { machineStatus } from "../../hf/status.ts";
import type { Pod } from "../../kube/types.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import type { PodNotes } from "../../machine/pod_facts.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import { isNotedAs, startupFailureOf } from "../../machine/startup_failure.ts";
import { type KnownMachine, type NextState, stateOfGone, stateOfPod, stateOfReplaced } from "../../machine/state.ts";
import { podFileText, readPodFile } from "../work/pod_file.ts";
import { isSigned, returnMemoryOf } from "../recovery/pod_memory.ts";
import { hasEnded } from "../../machine/readiness.ts";
import type { Watching } from "../dependencies.ts";

/** What was last seen of a machine's pod: the pod itself, or that it is gone (with its last state where it was given). */
export type Observation = { pod: Pod } | { gone: Pod | undefined };

/** What the work directory is to say of the machine. */
export function stateOfObservation(
  watching: Pick<Watching, "workdir" | "returns" | "identity">,
  name: string,
  observation: Observation,
): NextState {
  return judge(watching, name, observation).state;
}

/** What the work directory says of the machine, its pod as it was seen last with our notes on it, and what it is to say. */
function judge(
  { workdir, returns, identity }: Pick<Watching, "workdir" | "returns" | "identity">,
  name: string,
  observation: Observation,
): { known: KnownMachine; before: ReturnType<typeof readPodFile>; state: NextState } {
  const word = readState(workdir, name);
  const record = readTombstone(workdir, name);
  const known = { word, record, returned: returns.has(name) };
  if (!("pod" in observation)) {
    const before = observation.gone ?? readPodFile(workdir, name);
    // What we have had the cluster remember ourselves, should the return request be lost and not put back yet.
    const memory = before && returnMemoryOf(before);
    if (memory && isSigned(memory, { pod: before, identity })) known.returned = true;
    return { known, before, state: stateOfGone(before, known) };
  }
  // Only a machine that has been seen can have had another pod.
  const hasBeenSeen = word !== undefined && word !== "creating" && word !== "deleted";
  const before = hasBeenSeen ? readPodFile(workdir, name) : undefined;
  const uid = hasBeenSeen ? before?.metadata.uid ?? record?.uid : undefined;
  const isReplaced = uid !== undefined && uid !== observation.pod.metadata.uid;
  return { known, before, state: isReplaced ? stateOfReplaced(before, known) : stateOfPod(observation.pod, known) };
}

/** Writes down what was seen of machines. @returns what went wrong, by machine */
export function writeObservations(
  watching: Pick<Watching, "workdir" | "clock" | "returns" | "identity" | "kube">,
  observations: Iterable<[machine: string, observation: Observation]>,
): Promise<Map<string, unknown>> {
  return commit(
    watching,
    Array.from(observations, ([name, observation]) => [name, () => changeOfObservation(watching, name, observation)]),
  );
}

/** What is to be written of a machine that was seen. */
export function changeOfObservation(
  watching: Pick<Watching, "workdir" | "clock" | "returns" | "identity" | "kube">,
  name: string,
  observation: Observation,
): Change {
  const { known, before, state } = judge(watching, name, observation);
  const isRevived = known.word === "deleted" && state.word !== "deleted";
  const change = { word: state.word, tombstone: state.record, lasts: mustLast(known, state), isRevived };
  if ("gone" in observation) return { ...change, pod: "gone", isLost: () => !watching.returns.has(name) };
  return { ...change, pod: () => podFileText(observation.pod, notesOf(observation.pod, { watching, before })) };
}

/**
 * True where something new is told of an end that Symphony could be told otherwise without the note on it. That this is
 * there already does not mean that it lasts: whoever wrote it may have died before it did.
 */
function mustLast(known: KnownMachine, { word, record = known.record }: NextState): boolean {
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
  const hindrance = startupFailureOf(pod);
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
