import type { Node, Pod } from "../kube/types.ts";
import { type ObjectFacts, plainTime } from "./object_series.ts";
import { type Amounts, type ContainerResources, coresOf, mebibytesOf } from "../kube/resources.ts";

interface Status {
  capacity?: Amounts;
  allocatable?: Amounts;
  addresses?: { type?: string; address?: string }[] | null;
}

/** The labels and values of a pod for the legacy plug-in's series. What a pod lacks is empty, or 0. */
export function podFacts({ metadata, spec, status }: Pod): ObjectFacts {
  const containers = spec.containers ?? [];
  const restarts = (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  const requested = containers.map(({ resources }) => requestedBy(resources as ContainerResources | null | undefined));
  return {
    labels: {
      pod_name: metadata.name ?? "",
      pod_type: metadata.labels?.["app.kubernetes.io/name"] ?? "",
      node_name: spec.nodeName ?? "",
      namespace: metadata.namespace ?? "",
      pod_ip: status?.podIP ?? "",
      node_ip: status?.hostIP ?? "",
      phase: (status?.phase ?? "").toLowerCase(),
      image: containers[0]?.image ?? "",
      start_time: plainTime(status?.startTime),
    },
    values: {
      pod_cpu: coresOf(...requested),
      pod_memory: mebibytesOf(...requested),
      ...(restarts > 0 ? { pod_restarts: restarts } : {}),
    },
    conditions: trueOf(status?.conditions),
    conditionMetric: "pod_condition",
  };
}

/** The labels and values of a node for the legacy plug-in's series. */
export function nodeFacts({ metadata, status }: Node): ObjectFacts {
  const { capacity, allocatable, addresses } = (status ?? {}) as Status;
  const labels = metadata.labels ?? {};
  const capacityType = labels["karpenter.sh/capacity-type"] ?? labels["eks.amazonaws.com/capacityType"] ?? "";
  const has = capacity ?? allocatable;
  return {
    labels: {
      node_name: metadata.name ?? "",
      node_ip: addresses?.find(({ type }) => type === "InternalIP")?.address ?? "",
      zone_id: labels["topology.k8s.aws/zone-id"] ?? "",
      instance_type: labels["node.kubernetes.io/instance-type"] ?? "",
      capacity_type: capacityType.toLowerCase().replaceAll("_", "-"),
      start_time: plainTime(metadata.creationTimestamp),
    },
    values: { node_cpu: coresOf(has), node_memory: mebibytesOf(has) },
    conditions: trueOf(status?.conditions),
    conditionMetric: "node_condition",
  };
}

/** Requests, or limits where a container has no requests. */
function requestedBy(resources: ContainerResources | null | undefined): Amounts {
  return resources?.requests ?? resources?.limits;
}

function trueOf(conditions: readonly { type: string; status: string }[] | null | undefined): string[] {
  return [...new Set((conditions ?? []).flatMap(({ type, status }) => status === "True" ? [type] : []))];
}
