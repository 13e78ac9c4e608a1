import type { Cluster } from "../support/cluster.ts";
import { readLogin } from "../support/kubeconfig.ts";
import { roleObjects } from "../support/role.ts";

const NAME = "hostfactory";

/** How `serve` logs in: as somebody who has exactly the role that hosts are given, which can be taken away. */
export class ServeLogin {
  readonly #cluster: Cluster;
  readonly #write: (kubeconfig: string) => void;
  readonly #certificate: string | undefined;

  /**
   * @param cluster has granted the role
   * @param options `write` puts a kubeconfig where `serve` finds it; `certificate` is the kubeconfig of the user
   * `hostfactory`, who logs in with one, if there is that
   */
  constructor(
    cluster: Cluster,
    options: { write: (kubeconfig: string) => void; certificate: string | undefined },
  ) {
    this.#cluster = cluster;
    this.#write = options.write;
    this.#certificate = options.certificate;
  }

  /** Binds the role to the user as well, and writes a first kubeconfig. */
  async start(): Promise<void> {
    await this.revoke();
    await this.grant();
    await this.useNewToken();
  }

  async grant(): Promise<void> {
    const binding = roleObjects(this.#cluster.namespace).find(({ kind }) => kind === "RoleBinding");
    const subjects = [
      { kind: "ServiceAccount", name: NAME, namespace: this.#cluster.namespace },
      { kind: "User", name: NAME, apiGroup: "rbac.authorization.k8s.io" },
    ];
    await this.#cluster.call("POST", this.#bindings, { ...binding, subjects });
  }

  async revoke(): Promise<void> {
    await this.#cluster.call("DELETE", `${this.#bindings}/${NAME}`);
  }

  get #bindings(): string {
    return `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.#cluster.namespace}/rolebindings`;
  }

  /** A token as they are given out for ten minutes, the shortest that there are. */
  async useNewToken(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#cluster.namespace}/serviceaccounts/${NAME}/token`;
    const { status } = await this.#cluster.call("POST", path, { spec: { expirationSeconds: 600 } }) as {
      status: { token: string };
    };
    const kubeconfig = JSON.parse(this.#cluster.kubeconfig());
    kubeconfig.users[0].user = { token: status.token };
    this.#write(JSON.stringify(kubeconfig));
  }

  /** Another kind of login altogether, and back with `useNewToken`. @returns false if there is none */
  useCertificate(): boolean {
    if (this.#certificate === undefined) return false;
    const { kubeconfig, client } = readLogin(this.#certificate);
    client.close();
    this.#write(kubeconfig(this.#cluster.namespace));
    return true;
  }

  /** Every token that was given out is worth nothing any more. */
  async replaceAccount(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#cluster.namespace}/serviceaccounts`;
    await this.#cluster.call("DELETE", `${path}/${NAME}`);
    await this.#cluster.call("POST", path, { metadata: { name: NAME } });
  }
}
