import { parseMachineName } from "../hf/names.ts";
import type { Pod } from "../kube/types.ts";
import { PodLabel } from "../templates/podspec.ts";

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
