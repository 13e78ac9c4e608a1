import { parseMachineName } from "../hf/names.ts";
import { KubeError } from "../kube/errors.ts";
import type { Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";
import type { Watching } from "./watching.ts";

/**
 * True where the pod is a machine of this provider instance: its name is the one of a machine of the request that it is
 * labelled with, and it carries our instance. One without an instance was made by the existing plug-in, and is ours where
 * its request is in our work directory.
 */
export function isOurs(pod: Pod, options: { instance: string; hasRequest: (requestId: string) => boolean }): boolean {
  const { name = "", labels = {} } = pod.metadata;
  const requestId = labels[PodLabel.request];
  if (requestId === undefined || parseMachineName(name)?.requestId !== requestId) return false;
  const instance = labels[PodLabel.instance];
  return instance === undefined ? options.hasRequest(requestId) : instance === options.instance;
}

/**
 * Asks the cluster for the pod of a machine that counts as created. A pod of the name that is somebody else's means that
 * ours is gone.
 * @returns nothing where it is gone
 * @throws KubeError where the cluster does not say
 */
export async function findOurs(
  { kube, instance }: Pick<Watching, "kube" | "instance">,
  machine: string,
  options: { signal: AbortSignal },
): Promise<Pod | undefined> {
  try {
    const pod = await kube.getPod(machine, options);
    return isOurs(pod, { instance, hasRequest: () => true }) ? pod : undefined;
  } catch (error) {
    if (error instanceof KubeError && error.kind === "notFound") return undefined;
    throw error;
  }
}
