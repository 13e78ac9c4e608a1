import type { Lease } from "../../src/kube/types.ts";
import type { Cluster } from "./cluster.ts";

/** The lease of the instance that a site serves, as others see it and change it. */
export class InstanceLease {
  readonly #cluster: Cluster;
  readonly #path: string;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${cluster.namespace}/leases/hostfactory-k8s-hf`;
  }

  async get(): Promise<Lease> {
    return await this.#cluster.call("GET", this.#path) as Lease;
  }

  async delete(): Promise<void> {
    await this.#cluster.call("DELETE", this.#path);
  }

  /** Makes somebody its holder who never renews it. */
  async giveTo(holderIdentity: string): Promise<void> {
    const { metadata: { annotations = {} } } = await this.get();
    const none = Object.fromEntries(Object.keys(annotations).map((key) => [key, null]));
    await this.#cluster.call("PATCH", this.#path, { metadata: { annotations: none }, spec: { holderIdentity } });
  }
}
