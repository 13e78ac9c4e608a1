import type { Pod } from "../../src/kube/types.ts";
import { PodLabel } from "../../src/templates/podspec.ts";

/** True for a pod of the provider instance that a site is. */
export function isOurs({ metadata }: Pod): boolean {
  return metadata.labels?.[PodLabel.instance] === "k8s-hf";
}
