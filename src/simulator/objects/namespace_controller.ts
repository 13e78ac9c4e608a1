import type { Pod } from "../../kube/types.ts";
import type { Etcd } from "../etcd.ts";
import type { Lifecycle } from "../behaviour/lifecycle.ts";
import type { Namespace, Namespaces } from "./namespaces.ts";
import type { PodOperations } from "./pod_operations.ts";

/** Deletes namespaces with everything in them. */
export class NamespaceController {
  readonly #etcd: Etcd;
  readonly #namespaces: Namespaces;
  readonly #podOperations: PodOperations;
  readonly #lifecycle: Lifecycle;

  constructor(
    options: { etcd: Etcd; namespaces: Namespaces; podOperations: PodOperations; lifecycle: Lifecycle },
  ) {
    this.#etcd = options.etcd;
    this.#namespaces = options.namespaces;
    this.#podOperations = options.podOperations;
    this.#lifecycle = options.lifecycle;
    this.#etcd.pods.onChange(({ type, object }) => {
      if (type === "DELETED") this.#finish(object.metadata.namespace!);
    });
  }

  /**
   * Deletes a namespace for a client: its pods with their own grace, everything else at once, and the namespace itself
   * once its last pod is gone. The real controller begins about five seconds later.
   */
  delete(name: string): Namespace {
    const namespace = this.#namespaces.terminate(name);
    for (const { metadata } of this.#etcd.pods.valuesIn(name)) {
      this.#podOperations.delete({ namespace: name, name: metadata.name! }, {});
    }
    this.#empty(name);
    this.#finish(name);
    return namespace;
  }

  /** Deletes a namespace with everything in it at once, ignoring grace and finalizers, and creates it again. */
  recreate(name: string): Namespace {
    const namespace = this.#namespaces.get(name);
    for (const pod of this.#etcd.pods.valuesIn(name)) this.#lifecycle.finish(withoutFinalizers(pod));
    this.#empty(name);
    this.#etcd.namespaces.remove(namespace);
    return this.#namespaces.add(name);
  }

  /** Deletes everything but the pods. */
  #empty(name: string): void {
    for (const lease of this.#etcd.leases.valuesIn(name)) this.#etcd.leases.remove(lease);
    for (const quota of this.#etcd.quotas.valuesIn(name)) this.#etcd.quotas.remove(quota);
    for (const store of this.#etcd.others.values()) {
      for (const object of store.valuesIn(name)) store.remove(object);
    }
  }

  #finish(name: string): void {
    const namespace = this.#etcd.namespaces.get("", name);
    if (namespace?.status.phase !== "Terminating" || this.#etcd.pods.valuesIn(name).length > 0) return;
    this.#etcd.namespaces.remove(namespace);
  }
}

function withoutFinalizers(pod: Pod): Pod {
  const { finalizers: _, ...metadata } = pod.metadata;
  return { ...pod, metadata };
}
