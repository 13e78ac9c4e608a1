import { describeError, HostFactoryError } from "../../errors.ts";
import { parseMachineName } from "../../hf/names.ts";
import { KubeError } from "../../kube/errors.ts";
import { isMadeByUs } from "../../kube/field_manager.ts";
import type { Pod } from "../../kube/types.ts";
import { logger } from "../../log.ts";
import { PodLabel, REQUEST_ANNOTATION } from "../../templates/podspec.ts";
import { readTombstone } from "../../workdir/machines.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { readMachineEntry, readRequestRecord } from "../../workdir/requests.ts";
import { readPodFacts, readPodFile } from "../../workdir/pod_file.ts";
import { requestMemoryOf } from "./pod_memory.ts";
import type { Dependencies } from "../dependencies.ts";

/** As whom we look at pods. */
export type Owner = Pick<Dependencies, "instance" | "formerInstances" | "identity" | "isSoleOwner">;

/**
 * True if the pod is a machine of this provider instance: its name is the one of a machine of the request that it is labelled
 * with, and it carries our instance. Unless the lease says that the instance is ours alone, it has to carry the identity of
 * our work directory as well. One that carries none, as earlier versions made it, or a name that our instance had before, or
 * no instance at all, as the legacy plug-in made it, is ours if its request is in our work directory.
 */
export function isOurs(
  pod: Pod,
  { owner, hasRequest }: { owner: Owner; hasRequest: (requestId: string) => boolean },
): boolean {
  const { name = "", labels = {} } = pod.metadata;
  const requestId = labels[PodLabel.request];
  if (requestId === undefined || parseMachineName(name)?.requestId !== requestId) return false;
  const { [PodLabel.instance]: instance, [PodLabel.workdir]: workdir } = labels;
  const { id, takenOver } = owner.identity;
  if (instance === owner.instance) {
    if (owner.isSoleOwner) return true;
    if (workdir !== undefined) return workdir === id || takenOver.includes(workdir);
    return takenOver.includes(UNMARKED) || hasRequest(requestId);
  }
  return (instance === undefined || owner.formerInstances.includes(instance)) && hasRequest(requestId);
}

/** True if a pod would be ours if the lease said that the instance is ours alone: it is a machine of another work directory. */
export function isForeign(pod: Pod, owner: Owner): boolean {
  const hasRequest = () => true;
  return !isOurs(pod, { owner, hasRequest }) && isOurs(pod, { owner: { ...owner, isSoleOwner: true }, hasRequest });
}

/**
 * True if the pod that has the name of a machine of ours is the one that we made for it, as far as that shows without its uid:
 * no one else has written it, and it remembers the very machine, whatever became of its labels, or was stored without any of
 * our marks. If the machine's request is lost, it may be another instance's or work directory's: then it has to remember the
 * machine, and its labels must not be theirs.
 */
export function isAsOrdered(owner: Pick<Dependencies, "workdir"> & Owner, machine: string, pod: Pod): boolean {
  const isMade = isMadeByUs(pod.metadata);
  if (isMade === false) return false;
  const name = parseMachineName(machine);
  if (!name) return false;
  const record = readRequestRecord(owner.workdir, name.requestId);
  const isKnown = record !== undefined || readMachineEntry(owner.workdir, machine) !== undefined;
  if (isMade && isKnown && isUnmarked(pod)) return true;
  const memory = requestMemoryOf(pod);
  if (memory?.index !== name.index) return false;
  return record ? memory.requestedAt === record.requestedAt : !isMarkedByAnother(pod, owner);
}

/** True if nothing is left on a pod of what we mark ours with, though it may be ours: a webhook has dropped it. */
export function isUnmarked({ metadata: { labels = {}, annotations = {} } }: Pod): boolean {
  const { request, instance, workdir } = PodLabel;
  return [request, instance, workdir].every((label) => labels[label] === undefined) &&
    !(REQUEST_ANNOTATION in annotations);
}

/** True if it carries another instance than ours, or, unless the lease says that ours is ours alone, another work directory's identity. */
function isMarkedByAnother(
  { metadata: { labels = {} } }: Pod,
  { instance, identity: { id, takenOver }, isSoleOwner }: Owner,
): boolean {
  const { [PodLabel.instance]: ofInstance = instance, [PodLabel.workdir]: ofWorkdir = id } = labels;
  return ofInstance !== instance || !(isSoleOwner || ofWorkdir === id || takenOver.includes(ofWorkdir));
}

/** Stands among the identities that a work directory has taken over for pods that carry none. */
export const UNMARKED = "";

/** The instances whose names the pods carry that were seen last; of one whose file cannot be read, none. */
export function instancesOnPods(workdir: Workdir): string[] {
  const instances = new Set<string>();
  for (const machine of workdir.names(workdir.layout.pods)) {
    try {
      const instance: unknown = readPodFile(workdir, machine)?.metadata.labels?.[PodLabel.instance];
      if (typeof instance === "string") instances.add(instance);
    } catch (error) {
      logger("serve").debug("Instance of a machine not known", { machine, error: describeError(error) });
    }
  }
  return [...instances];
}

/**
 * Asks the cluster for the pod of a machine that counts as created. One with the uid that we know, or if we know none, one that
 * remembers the machine, is ours, whatever became of its labels; any other pod of the name that is not ours means that ours is
 * gone.
 * @returns nothing if it is gone
 * @throws KubeError if the cluster does not say
 * @throws HostFactoryError if it may be the pod that has its name, and another work directory's
 */
export async function findOurs(
  dependencies: Pick<Dependencies, "kube" | "workdir"> & Owner,
  machine: string,
  options: { signal: AbortSignal },
): Promise<Pod | undefined> {
  try {
    const pod = await dependencies.kube.getPod(machine, options);
    const { workdir } = dependencies;
    const uid = readPodFacts(workdir, machine)?.uid ?? readTombstone(workdir, machine)?.uid;
    const isKnown = uid === undefined ? isAsOrdered(dependencies, machine, pod) : uid === pod.metadata.uid;
    if (isKnown || isOurs(pod, { owner: dependencies, hasRequest: () => true })) return pod;
    if (uid !== undefined || !isForeign(pod, dependencies)) return undefined;
    throw new HostFactoryError(`Cannot tell whose pod '${machine}' is: another work directory has made it`, {
      hint: "grant leases (scripts/rbac/role.yaml), or run 'hostfactory rebuild --take-over'",
    });
  } catch (error) {
    if (error instanceof KubeError && error.kind === "notFound") return undefined;
    throw error;
  }
}
