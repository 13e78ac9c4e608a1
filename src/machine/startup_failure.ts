import type { ContainerStatus, Pod } from "../kube/types.ts";
import type { PodNotes } from "./pod_facts.ts";
import { containersOf, endingWords, words } from "./failure_reason.ts";
import { needsReady, phaseOf } from "./readiness.ts";

/** What keeps a pod from ever working, unless it passes. */
export interface StartupFailure {
  /** It cannot pass by itself. */
  isCertain: boolean;
  /** What went wrong, for a message that a reason follows. */
  what: "image not pulled" | "container not configured" | "image name not valid" | "crash loop";
  /** The container and the cluster's words. */
  reason: string;
}

/**
 * Why containers wait that cannot start (source: the kubelet's `pkg/kubelet/images/types.go` and
 * `kuberuntime/kuberuntime_container.go`). A registry that is away passes, images are loaded onto nodes by others, and
 * configuration is missing for a moment while a kubelet fetches it; a name that is no image's stays so.
 */
const WAITING: Record<string, Pick<StartupFailure, "what" | "isCertain">> = {
  ErrImagePull: { what: "image not pulled", isCertain: false },
  ImagePullBackOff: { what: "image not pulled", isCertain: false },
  ImageInspectError: { what: "image not pulled", isCertain: false },
  RegistryUnavailable: { what: "image not pulled", isCertain: false },
  SignatureValidationFailed: { what: "image not pulled", isCertain: false },
  ErrImageNeverPull: { what: "image not pulled", isCertain: false },
  CreateContainerConfigError: { what: "container not configured", isCertain: false },
  InvalidImageName: { what: "image name not valid", isCertain: true },
};

/** So many restarts make a crash loop: the kubelet's pauses before them are 0, 10, 20, 40 and 80 seconds. */
const RESTARTS = 5;

/** A container that ended so often within this time of its pod's start, in milliseconds, has never worked. */
const FROM_START_MS = 600_000;

/** What hinders the pod; what is certain before what may pass. */
export function startupFailureOf(pod: Pod): StartupFailure | undefined {
  const phase = pod.status?.phase ?? "Pending";
  if (phase !== "Pending" && phase !== "Running") return undefined;
  let found: StartupFailure | undefined;
  for (const container of containersOf(pod)) {
    const hindrance = startupFailureOfContainer(pod, container);
    if (hindrance?.isCertain) return hindrance;
    found ??= hindrance;
  }
  return found;
}

/** True if what is noted of a pod is this: what follows it has a grace of its own. A note that does not say is of any. */
export function isNotedAs(what: string, noted: PodNotes["hindered"]): boolean {
  return noted?.what === undefined || noted.what === what;
}

function startupFailureOfContainer(pod: Pod, container: ContainerStatus): StartupFailure | undefined {
  const { name, state, lastState, restartCount } = container;
  const { reason, message } = state?.waiting ?? {};
  if (reason === undefined) return undefined;
  if (reason === "CrashLoopBackOff" && restartCount >= RESTARTS && hasNeverWorked(pod, container)) {
    const last = lastState?.terminated ? `, the last time by ${endingWords(lastState.terminated)}` : "";
    const said = `container ${name}: ${words(reason, message)}; it was restarted ${restartCount} times${last}`;
    return { isCertain: true, what: "crash loop", reason: said };
  }
  // A machine that has been up may get over it, as it may over crashes: Symphony has it, and decides.
  const hindrance = Object.hasOwn(WAITING, reason) && phaseOf(pod) === "Pending" ? WAITING[reason] : undefined;
  return hindrance && { ...hindrance, reason: `container ${name}: ${words(reason, message)}` };
}

/**
 * A pod that counts as up once it is Running is up before it has crashed for the first time. It has never worked if it
 * has crashed from its start on and nothing of it runs; later crashes, of a whole grid perhaps while something that it needs
 * is away, are left to the kubelet.
 */
function hasNeverWorked(pod: Pod, container: ContainerStatus): boolean {
  const { phase, containerStatuses, initContainerStatuses, startTime } = pod.status ?? {};
  // Where its containers have run already, its init containers run again.
  const isAnew = phase === "Pending" && initContainerStatuses?.includes(container) &&
    containerStatuses?.some(({ lastState }) => lastState?.terminated);
  if (phaseOf(pod) === "Pending") return !isAnew;
  if (needsReady(pod) || containerStatuses?.some(({ state }) => state?.running)) return false;
  const startedMs = Date.parse(startTime ?? pod.metadata.creationTimestamp ?? "");
  return Date.parse(container.lastState?.terminated?.finishedAt ?? "") - startedMs <= FROM_START_MS;
}
