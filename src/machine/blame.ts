import type { FailureKind } from "./failure_kind.ts";
import { NOT_CREATED, NOT_SEEN } from "./waiting.ts";

/**
 * Who can change that a machine waits or has failed.
 *
 * - `us`: this program, or whoever runs it
 * - `cluster`: whoever runs the cluster: room, quota, nodes, registry
 * - `template`: whoever writes templates, manifests and images
 * - `others`: somebody else with rights in the namespace
 */
export type Side = "us" | "cluster" | "template" | "others";

/** The same for people, after "Whose matter that is:". */
export const SIDES: Readonly<Record<Side, string>> = {
  us: "ours: hostfactory, or how it is run",
  cluster: "the cluster's: its room, quota, nodes or registry",
  template: "the template's: its manifest, image or program",
  others: "somebody else's, who has rights in the namespace",
};

/** What a reason may hold, the first that fits, and whose matter that is. */
const WAITING: readonly (readonly [RegExp, Side])[] = [
  // The cluster would have room if the pod did not ask for something special.
  [/^(?!.*Insufficient).*(node affinity|node selector|didn't match)/, "template"],
  [/^Unschedulable|not scheduled|SchedulerError/, "cluster"],
  [/InvalidImageName|ErrImageNeverPull|SignatureValidationFailed/, "template"],
  [/(ErrImagePull|ImagePullBackOff).*(timeout|timed out|no such host|refused|reset|EOF|50\d)/i, "cluster"],
  [/ErrImagePull|ImagePullBackOff|ImageInspectError/, "template"],
  [/RegistryUnavailable/, "cluster"],
  [/CreateContainer(Config)?Error|CrashLoopBackOff|RunContainerError/, "template"],
  [/ContainersNotReady|does not say that it is Ready|ContainersNotInitialized/, "template"],
];

/** Whose matter it is that a machine waits. @param reason as `waitsFor` has it */
export function blameForWaiting(reason: string): Side {
  if (reason === NOT_CREATED || reason === NOT_SEEN) return "us";
  return WAITING.find(([mark]) => mark.test(reason))?.[1] ?? "cluster";
}

const FAILED: Readonly<Record<FailureKind, Side>> = {
  image: "template",
  configuration: "template",
  crash_loop: "template",
  too_late: "cluster",
  quota: "cluster",
  refused: "template",
  out_of_memory: "template",
  ended: "template",
  taken_away: "cluster",
  deleted_by_others: "others",
  other: "us",
};

/** Whose matter it is that a machine has failed. @param message of its tombstone */
export function blameForFailure(kind: FailureKind, message: string): Side {
  const [, reason] = /^Not (?:running|ready) after \d+ s: (.*)$/s.exec(message) ?? [];
  return kind === "too_late" && reason !== undefined ? blameForWaiting(reason) : FAILED[kind];
}
