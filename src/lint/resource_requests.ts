/** Amounts of a resource by their units (source: Kubernetes API reference, "Quantity"). */
const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Of a container or of a pod as a whole. */
interface Resources {
  requests?: Record<string, unknown> | null;
  limits?: Record<string, unknown> | null;
}

interface Container {
  restartPolicy?: unknown;
  resources?: Resources | null;
}

/** As much of a pod's spec as says what it requests. */
export interface RequestingSpec {
  containers: Container[];
  initContainers?: Container[] | null;
  resources?: Resources | null;
}

/** `500m` or `4Gi` as a number: CPUs, bytes or whatever is counted; nothing for what is no quantity. */
export function amountOf(quantity: unknown): number | undefined {
  const [, number, unit = ""] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/
    .exec(String(quantity)) ?? [];
  const factor = FACTORS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/**
 * How much of a resource the scheduler puts aside for a pod (source: Kubernetes documentation, "Init Containers", "Resource
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

/** A limit stands for a request that is not there. */
function requested(resources: Resources | null | undefined, resource: string): number | undefined {
  return amountOf(resources?.requests?.[resource] ?? resources?.limits?.[resource]);
}
