import type { ExtensionResource, Node, Pod, PodStatus } from "../../src/kube/types.ts";
import { eventually } from "./deadline.ts";
import { type Login, readLogin } from "./kubeconfig.ts";
import { parse } from "yaml";
import { clusterRoleObjects, disruptionsRoleObjects, extensionsRoleObjects, granted, roleObjects } from "./role.ts";
import { readFromTree } from "./tree.ts";

const SIMULATED_TOKEN = "hostfactory";

/**
 * What a test does to a cluster behind the product's back; the same for the simulator and for a real API server. The product
 * itself comes with the role that hosts are given.
 */
export class Cluster {
  readonly namespace: string;
  readonly #login: Login;
  /** The product's. */
  #token: string | undefined;
  /** What was made that belongs to no namespace. */
  readonly #clusterWide: string[] = [];

  constructor(login: Login, namespace: string) {
    this.#login = login;
    this.namespace = namespace;
  }

  /** The cluster that a kubeconfig names. */
  static at(kubeconfig: string, namespace: string): Cluster {
    return new Cluster(readLogin(kubeconfig), namespace);
  }

  /** A kubeconfig for the product, for this cluster and namespace, as text; with another server, one that leads nowhere. */
  kubeconfig(options: { server?: string } = {}): string {
    return this.#login.kubeconfig(this.namespace, { token: this.#token, ...options });
  }

  /** A kubeconfig of the administrator, for this cluster and namespace, as text. */
  adminKubeconfig(): string {
    return this.#login.kubeconfig(this.namespace);
  }

  /** Applies the role that hosts are given on a real API server, and logs the product in with it. */
  async grantRole(): Promise<void> {
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.namespace}`;
    for (const object of roleObjects(this.namespace)) {
      const path = object.kind === "ServiceAccount"
        ? this.#path("serviceaccounts")
        : `${rbac}/${object.kind.toLowerCase()}s`;
      await this.call("POST", path, object);
    }
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 86_400 },
    };
    const { status } = await this.call("POST", this.#path("serviceaccounts/hostfactory/token"), request) as {
      status: { token: string };
    };
    this.#token = status.token;
    await this.#allows("list pods", true);
  }

  /** Waits until the product may do that, worded as `granted` does, or may not. */
  async #allows(grant: string, allowed: boolean): Promise<void> {
    const [verb, resource] = grant.split(" ");
    const groups: Record<string, string> = {
      leases: "coordination.k8s.io",
      hostfactoryextensions: "hostfactory.symphony",
    };
    const group = groups[resource ?? ""] ?? "";
    const resourceAttributes = { namespace: this.namespace, group, resource, verb };
    const spec = { user: `system:serviceaccount:${this.namespace}:hostfactory`, resourceAttributes };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    await eventually(`that the product may ${allowed ? "" : "not "}${grant}`, async () => {
      const answer = await this.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review);
      return (answer as { status: { allowed: boolean } }).status.allowed === allowed;
    });
  }

  /** Takes something away that the role grants: a resource, or one verb of it, as `granted` words that. */
  async withdraw(without: string): Promise<void> {
    if (this.#token === SIMULATED_TOKEN) return await this.grantSimulatedRole({ without });
    const role = roleObjects(this.namespace, { without }).find(({ kind }) => kind === "Role");
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.namespace}/roles/hostfactory`;
    await this.call("PUT", path, role);
    await this.#allows(without.includes(" ") ? without : `get ${without}`, false);
  }

  /** The same as `grantRole` on a simulator. */
  async grantSimulatedRole(options: { without?: string } = {}): Promise<void> {
    const allow = granted(roleObjects(this.namespace, options));
    await this.call("PUT", `/simulator/users/${SIMULATED_TOKEN}`, { name: "hostfactory", allow });
    this.#token = SIMULATED_TOKEN;
  }

  /** Lets the product take pods away as an operator may, and cordon nodes; on the simulator alone. */
  async grantDisruptions(): Promise<void> {
    const allow = granted([...roleObjects(this.namespace), ...disruptionsRoleObjects(this.namespace)]);
    await this.call("PUT", `/simulator/users/${SIMULATED_TOKEN}`, { name: "hostfactory", allow });
  }

  /** Lets the product see nodes, too. */
  async grantNodes(): Promise<void> {
    await this.#grantClusterWide("nodes");
  }

  /** Lets the product see what the cluster says of pods and nodes, too. */
  async grantKubeEvents(): Promise<void> {
    await this.#grantClusterWide("kube-events");
  }

  async #grantClusterWide(what: "nodes" | "kube-events"): Promise<void> {
    const objects = clusterRoleObjects(what, this.namespace);
    if (this.#token === SIMULATED_TOKEN) {
      const allow = granted([...roleObjects(this.namespace), ...objects]);
      await this.call("PUT", `/simulator/users/${SIMULATED_TOKEN}`, { name: "hostfactory", allow });
      return;
    }
    for (const object of objects) {
      const path = `/apis/rbac.authorization.k8s.io/v1/${object.kind.toLowerCase()}s`;
      await this.call("POST", path, object);
      this.#clusterWide.push(`${path}/${object.metadata.name}`);
    }
    for (const right of granted(objects)) await this.#allows(right, true);
  }

  /**
   * Lets extensions be registered by resources, and the product follow them. The definition goes with the namespace if no one
   * else has made it.
   */
  async allowExtensions(): Promise<void> {
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const definition = parse(readFromTree("scripts/extensions/crd.yaml"));
    const response = await this.#fetch("POST", definitions, definition);
    if (response.status === 409) await response.body?.cancel();
    else {
      await answerOf(response, definitions);
      this.#clusterWide.push(`${definitions}/${definition.metadata.name}`);
    }
    await eventually("the resource of extensions", async () => {
      const answer = await this.#fetch("GET", this.extensionPath());
      await answer.body?.cancel();
      return answer.ok;
    });
    const objects = extensionsRoleObjects(this.namespace);
    if (this.#token === SIMULATED_TOKEN) {
      const allow = granted([...roleObjects(this.namespace), ...objects]);
      await this.call("PUT", `/simulator/users/${SIMULATED_TOKEN}`, { name: "hostfactory", allow });
      return;
    }
    for (const object of objects) {
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.namespace}`;
      await this.call("POST", `${rbac}/${object.kind.toLowerCase()}s`, object);
    }
    for (const verb of ["list", "watch"]) await this.#allows(`${verb} hostfactoryextensions`, true);
  }

  /** The path of the resources that register extensions, or of one of them. */
  extensionPath(name?: string): string {
    const all = `/apis/hostfactory.symphony/v1/namespaces/${this.namespace}/hostfactoryextensions`;
    return name === undefined ? all : `${all}/${name}`;
  }

  /** Registers an extension by a resource. @throws where the API server refuses it */
  async createExtension(name: string, spec: object): Promise<void> {
    const identity = { apiVersion: "hostfactory.symphony/v1", kind: "HostFactoryExtension", metadata: { name } };
    await this.call("POST", this.extensionPath(), { ...identity, spec });
  }

  /** What the resource of an extension was told: whether it is accepted, and the reason, once it was. */
  async acceptedExtension(name: string): Promise<string[] | undefined> {
    const { status } = await this.call("GET", this.extensionPath(name)) as ExtensionResource;
    const condition = status?.conditions?.find(({ type }) => type === "Accepted");
    return condition && [condition.status, condition.reason, status?.message ?? ""];
  }

  /** Makes the namespace, and waits until pods can be created in it. */
  async createNamespace(): Promise<void> {
    await this.call("POST", "/api/v1/namespaces", { metadata: { name: this.namespace } });
    await eventually("the default service account", () => this.find("serviceaccounts/default"));
  }

  /** Another namespace of the same cluster, with a role of its own for the product. The caller deletes it. */
  async sibling(): Promise<Cluster> {
    const sibling = new Cluster(this.#login, `${this.namespace}-2`);
    await sibling.createNamespace();
    if (this.#token === SIMULATED_TOKEN) await sibling.grantSimulatedRole();
    else await sibling.grantRole();
    return sibling;
  }

  /** Lets go of the namespace and all that is in it; does not wait for that. */
  async deleteNamespace(): Promise<void> {
    await this.deleteClusterWide();
    await this.call("DELETE", `/api/v1/namespaces/${this.namespace}`);
  }

  /** Deletes what was made that belongs to no namespace. */
  async deleteClusterWide(): Promise<void> {
    for (const path of this.#clusterWide) await this.call("DELETE", path);
  }

  /** The pods, by name. */
  async pods(): Promise<Map<string, Pod>> {
    const { items } = await this.call("GET", this.#path("pods")) as { items: Pod[] };
    return new Map(items.map((pod) => [pod.metadata.name ?? "", pod]));
  }

  async podNames(): Promise<string[]> {
    return [...(await this.pods()).keys()].sort();
  }

  /** Of every pod its name, its uid and when it is to go: what stays the same as long as no one deletes it. */
  async podMarks(): Promise<string[]> {
    const mark = ({ metadata }: Pod) => `${metadata.name} ${metadata.uid} ${metadata.deletionTimestamp ?? ""}`;
    return [...(await this.pods()).values()].map(mark).sort();
  }

  async createPod(pod: object): Promise<Pod> {
    return await this.call("POST", this.#path("pods"), { apiVersion: "v1", kind: "Pod", ...pod }) as Pod;
  }

  /** Deletes the pod as an operator would, at once. */
  async deletePod(name: string): Promise<void> {
    await this.call("DELETE", this.#path(`pods/${name}`), { gracePeriodSeconds: 0 });
  }

  /** Plays the kubelet of a pod that no other plays with. */
  async setStatus(name: string, status: PodStatus): Promise<void> {
    const { metadata: { resourceVersion: _, ...metadata }, ...pod } = (await this.pods()).get(name)!;
    const next = { apiVersion: "v1", kind: "Pod", ...pod, metadata, status: { ...pod.status, ...status } };
    await this.call("PUT", this.#path(`pods/${name}/status`), next);
  }

  /** Takes away what holds up the pod's deletion. */
  async releasePod(name: string): Promise<void> {
    await this.call("PATCH", this.#path(`pods/${name}`), { metadata: { finalizers: null } });
  }

  /** Evicts the pod as a drained node does. */
  async evictPod(name: string): Promise<void> {
    await this.call("POST", this.#path(`pods/${name}/eviction`), {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace: this.namespace },
    });
  }

  async nodeNames(): Promise<string[]> {
    const { items } = await this.call("GET", "/api/v1/nodes") as { items: Node[] };
    return items.map(({ metadata }) => metadata.name ?? "").sort();
  }

  /** Changes the spec of a node. */
  async changeNode(name: string, change: (spec: Node["spec"]) => Node["spec"]): Promise<void> {
    const path = `/api/v1/nodes/${name}`;
    // Whoever else changes nodes meanwhile makes this one fail.
    await eventually(`a change of node ${name}`, async () => {
      const node = await this.call("GET", path) as Node;
      const body = { ...node, spec: { ...node.spec, ...change(node.spec) } };
      const response = await this.#fetch("PUT", path, body);
      if (response.status === 409) return await response.body?.cancel(), false;
      await answerOf(response, path);
      return true;
    });
  }

  /** Allows no more than so many pods, and waits until that holds. */
  async limitPods(most: number): Promise<void> {
    const quota = { metadata: { name: "pods" }, spec: { hard: { pods: String(most) } } };
    await this.call("POST", this.#path("resourcequotas"), quota);
    await eventually("the quota", async () => {
      const found = await this.find("resourcequotas/pods") as { status?: { used?: { pods?: string } } } | undefined;
      return found?.status?.used?.pods !== undefined;
    });
  }

  /** An object of the namespace, or nothing if there is none. */
  async find(path: string): Promise<unknown> {
    const response = await this.#fetch("GET", this.#path(path));
    if (response.status === 404) return void await response.body?.cancel();
    return await answerOf(response, path);
  }

  /** @throws with the server's words where it does not do as it is told */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    return await answerOf(await this.#fetch(method, path, body), path);
  }

  [Symbol.dispose](): void {
    this.#login.client.close();
  }

  #path(path: string): string {
    return `/api/v1/namespaces/${this.namespace}/${path}`;
  }

  #fetch(method: string, path: string, body?: object): Promise<Response> {
    const { server, client, headers } = this.#login;
    return fetch(`${server}${path}`, {
      method,
      client,
      headers: {
        ...headers,
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

async function answerOf(response: Response, path: string): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`${path}: ${response.status} ${text}`);
}
