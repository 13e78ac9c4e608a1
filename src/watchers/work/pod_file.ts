import type { Pod } from "../../kube/types.ts";
import type { PodNotes } from "../../machine/pod_facts.ts";
import { legacyMetadata } from "./legacy_metadata.ts";

/**
 * The text of a pod file: the pod as the API server sent it, without the bookkeeping of its fields, and beside our
 * camelCase the keys that the legacy plug-in reads (source: `interface.md`, "Work directory").
 */
export function podFileText(pod: Pod, notes?: PodNotes): string {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    ...pod,
    api_version: "v1",
    metadata: legacyMetadata(pod.metadata),
    spec: { ...pod.spec, node_name: pod.spec.nodeName ?? null },
    status: { ...pod.status, pod_ip: pod.status?.podIP ?? null, host_ip: pod.status?.hostIP ?? null },
    ...(notes === undefined ? {} : { hostfactory: notes }),
  });
  return `${text}\n`;
}
