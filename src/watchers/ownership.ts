import { describeError } from "../errors.ts";
import { parseMachineName } from "../hf/names.ts";
import { KubeError } from "../kube/errors.ts";
import type { Pod } from "../kube/types.ts";
import { logger } from "../log.ts";
import { PodLabel } from "../templates/podspec.ts";
import type { Workdir } from "../workdir/workdir.ts";
import { readPodFile } from "./pod_file.ts";
import type { Watching } from "./watching.ts";

/** As whom we look at pods. */
export type Instances = Pick<Watching, "instance" | "formerInstances">;

/**
 * True where the pod is a machine of this provider instance: its name is the one of a machine of the request that it is
 * labelled with, and it carries our instance. One that carries a name that our instance had before, or, as the existing
 * plug-in made it, no instance at all, is ours where its request is in our work directory.
 */
export function isOurs(
  pod: Pod,
  { instances: { instance: ours, formerInstances }, hasRequest }: {
    instances: Instances;
    hasRequest: (requestId: string) => boolean;
  },
): boolean {
  const { name = "", labels = {} } = pod.metadata;
  const requestId = labels[PodLabel.request];
  if (requestId === undefined || parseMachineName(name)?.requestId !== requestId) return false;
  const instance = labels[PodLabel.instance];
  if (instance === ours) return true;
  return (instance === undefined || formerInstances.includes(instance)) && hasRequest(requestId);
}

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
 * Asks the cluster for the pod of a machine that counts as created. A pod of the name that is somebody else's means that
 * ours is gone.
 * @returns nothing where it is gone
 * @throws KubeError where the cluster does not say
 */
export async function findOurs(
  watching: Pick<Watching, "kube"> & Instances,
  machine: string,
  options: { signal: AbortSignal },
): Promise<Pod | undefined> {
  try {
    const pod = await watching.kube.getPod(machine, options);
    return isOurs(pod, { instances: watching, hasRequest: () => true }) ? pod : undefined;
  } catch (error) {
    if (error instanceof KubeError && error.kind === "notFound") return undefined;
    throw error;
  }
}
