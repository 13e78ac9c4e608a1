import type { Pod } from "../../kube/types.ts";
import type { FaultSet } from "../faults/fault_set.ts";
import type { Namespaces } from "./namespaces.ts";
import { hasEnded } from "../behaviour/pod_changes.ts";
import type { Route } from "../protocol/route.ts";
import { forbidden } from "../protocol/status.ts";
import type { Store } from "../store/store.ts";

/**
 * Refuses pods because of their namespace, a quota or Pod Security, whether real or by a fault. Only pods that have not
 * ended count.
 */
export class Admission {
  readonly #faults: FaultSet;
  readonly #namespaces: Namespaces;
  readonly #used = new Map<string, number>();

  constructor({ faults, pods, namespaces }: { faults: FaultSet; pods: Store<Pod>; namespaces: Namespaces }) {
    this.#faults = faults;
    this.#namespaces = namespaces;
    pods.onChange(({ type, object, previous }) => {
      const before = previous && !hasEnded(previous) ? 1 : 0;
      const after = type !== "DELETED" && !hasEnded(object) ? 1 : 0;
      const namespace = object.metadata.namespace!;
      this.#used.set(namespace, (this.#used.get(namespace) ?? 0) + after - before);
    });
    pods.onRestore(() => {
      this.#used.clear();
      for (const { metadata: { namespace = "" } } of [...pods.values()].filter((pod) => !hasEnded(pod))) {
        this.#used.set(namespace, this.usedPods(namespace) + 1);
      }
    });
  }

  /** The pod to be created, as changed by a webhook. */
  mutate(pod: Pod, route: Route): Pod {
    const fault = this.#faults.strike("dropped-marks", route, { verbs: ["create"] });
    if (!fault) return pod;
    const { labels, annotations, ...metadata } = pod.metadata;
    const kept = (marks: Record<string, string> = {}) =>
      Object.entries(marks).filter(([key]) => !fault.prefixes.some((prefix) => key.startsWith(prefix)));
    const [keptLabels, keptAnnotations] = [kept(labels), kept(annotations)];
    return {
      ...pod,
      metadata: {
        ...metadata,
        ...(keptLabels.length > 0 ? { labels: Object.fromEntries(keptLabels) } : {}),
        ...(keptAnnotations.length > 0 ? { annotations: Object.fromEntries(keptAnnotations) } : {}),
      },
    };
  }

  /** @throws ApiError 403, or 404 if there is no such namespace */
  admit(pod: Pod, route: Route): void {
    const name = pod.metadata.name ?? "";
    this.#namespaces.requireActive(route.namespace, { resource: "pods", name });
    const verbs = ["create"];
    const policy = this.#faults.strike("pod-security", route, { verbs });
    if (policy) throw forbidden("pods", { name, why: policy.message ?? podSecurity(pod) });
    const used = this.usedPods(route.namespace);
    for (const { metadata, spec } of this.#namespaces.quotasIn(route.namespace)) {
      const limit = spec.hard["pods"];
      if (limit !== undefined && used >= Number(limit)) throw overQuota(name, { quota: metadata.name!, used, limit });
    }
    const fault = this.#faults.strike("quota", route, { verbs, holds: ({ limit }) => used >= limit });
    if (fault) throw overQuota(name, { quota: fault.quota, used, limit: fault.limit });
  }

  /** How many pods of a namespace count against its quota. */
  usedPods(namespace: string): number {
    return this.#used.get(namespace) ?? 0;
  }
}

function overQuota(name: string, { quota, used, limit }: { quota: string; used: number; limit: number | string }) {
  const why = `exceeded quota: ${quota}, requested: pods=1, used: pods=${used}, limited: pods=${limit}`;
  return forbidden("pods", { name, why });
}

/** What Pod Security says of a pod that does nothing to meet its level `restricted`. */
function podSecurity({ spec }: Pod): string {
  const names = spec.containers.map(({ name }) => `"${name}"`).join(", ");
  const who = `container${spec.containers.length === 1 ? "" : "s"} ${names}`;
  return 'violates PodSecurity "restricted:latest": ' +
    `allowPrivilegeEscalation != false (${who} must set securityContext.allowPrivilegeEscalation=false), ` +
    `unrestricted capabilities (${who} must set securityContext.capabilities.drop=["ALL"]), ` +
    `runAsNonRoot != true (pod or ${who} must set securityContext.runAsNonRoot=true), ` +
    `seccompProfile (pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
}
