import type { Pod, PodSpec } from "../../kube/types.ts";
import type { ResourceRequirements } from "./pod_resources.ts";

type Container = PodSpec["containers"][number] & { resources?: ResourceRequirements };

/** The tolerations that the real API server's admission adds, so that a pod survives a short absence of its node. */
const TOLERATIONS = ["not-ready", "unreachable"].map((state) => ({
  key: `node.kubernetes.io/${state}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 300,
}));

/**
 * A pod as the API server stores it when it is created: spec with every default, status `Pending`. The service
 * account's volume is left out.
 */
export function withDefaults(pod: Pod): Pod {
  const spec = withSpecDefaults({
    serviceAccountName: "default",
    priority: 0,
    preemptionPolicy: "PreemptLowerPriority",
    ...pod.spec,
    tolerations: withTolerations(pod.spec["tolerations"]),
  });
  return { metadata: pod.metadata, spec, status: { phase: "Pending", qosClass: qosClass(spec.containers) } };
}

/** A spec with the defaults that every write of a pod adds. */
export function withSpecDefaults(given: PodSpec): PodSpec {
  const spec: PodSpec = {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    enableServiceLinks: true,
    ...given,
    containers: given.containers.map(withContainerDefaults),
  };
  if (Number(spec.terminationGracePeriodSeconds) < 0) spec.terminationGracePeriodSeconds = 1;
  if (spec["serviceAccountName"] !== undefined) spec["serviceAccount"] = spec["serviceAccountName"];
  if (Array.isArray(given["initContainers"])) {
    spec["initContainers"] = (given["initContainers"] as Container[]).map(withContainerDefaults);
  }
  return spec;
}

function withContainerDefaults(container: Container): Container {
  const limits = container.resources?.limits;
  const resources = limits
    ? { ...container.resources, requests: { ...limits, ...container.resources?.requests } }
    : container.resources;
  return {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(container.image ?? ""),
    ...container,
    resources: resources ?? {},
  };
}

/** An image with the tag `latest`, or without a tag, is always pulled. */
function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.includes("@") || (name.includes(":") && !name.endsWith(":latest")) ? "IfNotPresent" : "Always";
}

function withTolerations(given: unknown): unknown[] {
  const tolerations = Array.isArray(given) ? given as { key?: string }[] : [];
  const missing = TOLERATIONS.filter(({ key }) => !tolerations.some((toleration) => toleration.key === key));
  return [...tolerations, ...missing];
}

/**
 * Guaranteed if each container limits cpu and memory to what it requests; BestEffort if none has requests or limits.
 */
function qosClass(containers: Container[]): string {
  const says = (resources: Record<string, string> | undefined) => Object.keys(resources ?? {}).length > 0;
  if (!containers.some(({ resources }) => says(resources?.requests) || says(resources?.limits))) return "BestEffort";
  const guaranteed = containers.every(({ resources }) =>
    ["cpu", "memory"].every((name) =>
      resources?.limits?.[name] !== undefined && resources.limits[name] === resources.requests?.[name]
    )
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
