import { epochSeconds } from "../../clock.ts";
import type { Pod } from "../../kube/types.ts";
import { type News, newsOfPod } from "../../events/news.ts";
import { type Change, commit } from "../../workdir/commit.ts";
import type { PodNotes } from "../../machine/pod_facts.ts";
import { isNotedAs, startupFailureOf } from "../../machine/startup_failure.ts";
import type { KnownMachine } from "../../machine/snapshot.ts";
import { hasBeenSeen, mustLast, type NextState, type Observation, stateAfter } from "../../machine/state.ts";
import { readMachine } from "../../workdir/snapshot.ts";
import { readNodeUid } from "../../workdir/node_uid.ts";
import { detailsOfPod } from "./details.ts";
import { type PodFile, readPodFile } from "../../workdir/pod_file.ts";
import { podFileText } from "../../workdir/pod_file.ts";
import { isSigned, returnMemoryOf } from "../work/pod_memory.ts";
import { hasEnded } from "../../machine/readiness.ts";
import type { Dependencies } from "../dependencies.ts";

/** What the work directory is to say of the machine. */
export function stateOfObservation(
  dependencies: Pick<Dependencies, "workdir" | "returns" | "identity">,
  name: string,
  observation: Observation,
): NextState {
  const { known, last } = gather(dependencies, name, observation);
  return stateAfter(observation, known, last);
}

/** What the work directory says of the machine, and its pod as it was seen last with our notes on it, if that is needed. */
function gather(
  { workdir, returns, identity }: Pick<Dependencies, "workdir" | "returns" | "identity">,
  name: string,
  observation: Observation,
): { known: KnownMachine; last: PodFile | undefined } {
  const { state, tombstone, returned } = readMachine(workdir, name, { isReturned: (machine) => returns.has(machine) });
  const known = { state, tombstone, returned };
  if ("pod" in observation) return { known, last: hasBeenSeen(known) ? readPodFile(workdir, name) : undefined };
  const last = observation.gone ?? readPodFile(workdir, name);
  // What the cluster remembers for us, should the return request be lost and not put back yet.
  const memory = last && returnMemoryOf(last);
  const isRemembered = last !== undefined && memory !== undefined && isSigned(memory, { pod: last, identity });
  return { known: { ...known, returned: returned || isRemembered }, last };
}

/** Writes down what was seen of machines. @returns what went wrong, by machine */
export function writeObservations(
  dependencies: Pick<Dependencies, "workdir" | "clock" | "returns" | "identity" | "kube" | "events">,
  observations: Iterable<[machine: string, observation: Observation]>,
): Promise<Map<string, unknown>> {
  return commit(
    dependencies,
    Array.from(
      observations,
      ([name, observation]) => [name, () => changeOfObservation(dependencies, name, observation)],
    ),
  );
}

/** What is to be written of a machine that was seen. */
export function changeOfObservation(
  dependencies: Pick<Dependencies, "workdir" | "clock" | "returns" | "identity" | "kube" | "events">,
  name: string,
  observation: Observation,
): Change {
  const { known, last } = gather(dependencies, name, observation);
  const next = stateAfter(observation, known, last);
  const isRevived = known.state === "deleted" && next.state !== "deleted";
  const change = { ...next, lasts: mustLast(known, next), isRevived };
  if ("gone" in observation) return { ...change, pod: "gone", isLost: () => !dependencies.returns.has(name) };
  const news = next.state === "deleted" || !dependencies.events ? [] : newsOf(observation.pod, last, dependencies);
  return { ...change, news, pod: () => podFileText(observation.pod, notesOf(observation.pod, { dependencies, last })) };
}

function newsOf(pod: Pod, last: Pod | undefined, { workdir }: Pick<Dependencies, "workdir">): News[] {
  const nodeId = (node: string) => readNodeUid(workdir, node);
  return [...newsOfPod(pod, last), ...detailsOfPod(pod, last, { nodeId })];
}

/** Since when a pod is known, what keeps it from working, or that it has ended, and since when that was seen. */
function notesOf(
  pod: Pod,
  { dependencies: { clock, kube }, last }: {
    dependencies: Pick<Dependencies, "clock" | "kube">;
    last: PodFile | undefined;
  },
): PodNotes {
  const known: PodNotes = last?.metadata.uid === pod.metadata.uid ? last?.hostfactory ?? {} : {};
  const clusterNow = kube.now();
  const now = clusterNow === undefined ? undefined : epochSeconds(clusterNow);
  const hostNow = epochSeconds(clock.now());
  const notes: PodNotes = { seenAt: known.seenAt ?? hostNow };
  const failure = startupFailureOf(pod);
  if (failure && !hasEnded(pod)) {
    const { what, isCertain } = failure;
    const same = isNotedAs(what, known.hindered) ? known.hindered : undefined;
    return { ...notes, hindered: { what, since: same?.since ?? now, seenAt: same?.seenAt ?? hostNow, isCertain } };
  }
  if (!hasEnded(pod)) return notes;
  // One in the future was noted while the cluster's clock was wrong.
  const endedAt = Math.min(known.endedAt ?? Infinity, now ?? Infinity);
  return { ...notes, ...(Number.isFinite(endedAt) ? { endedAt } : {}), endedSeenAt: known.endedSeenAt ?? hostNow };
}
