import { amountOf } from "../kube/quantity.ts";

/** Of a container or of a pod as a whole. */
interface Resources {
  requests?: Record<string, unknown> | null;
  limits?: Record<string, unknown> | null;
}

interface Container {
  restartPolicy?: unknown;
  resources?: Resources | null;
}

/** The fields of a pod's spec that say what it requests. */
export interface RequestingSpec {
  containers: Container[];
  initContainers?: Container[] | null;
  resources?: Resources | null;
}

/**
 * How much of a resource the scheduler reserves for a pod (source: Kubernetes documentation, "Init Containers", "Resource
 * sharing within containers", "Pod-level resources"); nothing if no container says.
 */
export function requestOf(
  { containers, initContainers, resources }: RequestingSpec,
  resource: string,
): number | undefined {
  const ofPod = requested(resources, resource);
  if (ofPod !== undefined) return ofPod;
  const all = [...containers, ...initContainers ?? []].map((one) => requested(one.resources, resource));
  if (all.every((amount) => amount === undefined)) return undefined;
  let sidecars = 0, initialising = 0;
  for (const container of initContainers ?? []) {
    const amount = requested(container.resources, resource) ?? 0;
    initialising = Math.max(initialising, sidecars + amount);
    if (container.restartPolicy === "Always") sidecars += amount;
  }
  const running = containers.reduce((sum, one) => sum + (requested(one.resources, resource) ?? 0), sidecars);
  return Math.max(running, initialising);
}

/** The request of a container; its limit if it has none. */
function requested(resources: Resources | null | undefined, resource: string): number | undefined {
  return amountOf(resources?.requests?.[resource] ?? resources?.limits?.[resource]);
}
