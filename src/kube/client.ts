import { FIELD_MANAGER } from "./field_manager.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "./transport/connection.ts";
import { KubeError } from "./errors.ts";
import { isUnknownPath } from "./failure.ts";
import type { CallOptions, Kube, ListOptions, Right, Source, WatchOptions } from "./kube.ts";
import { StoredVersions } from "./stored_versions.ts";
import type {
  ExtensionResource,
  ExtensionStatus,
  KubeEvent,
  KubeList,
  Lease,
  Node,
  Pod,
  ResourceQuota,
  WatchEvent,
} from "./types.ts";
import { readWatch } from "./watch.ts";

const PODS = "/api/v1/namespaces/{namespace}/pods";
const NODES = "/api/v1/nodes";
const EXTENSIONS = "/apis/hostfactory.symphony/v1/namespaces/{namespace}/hostfactoryextensions";
const EVENTS = "/api/v1/namespaces/{namespace}/events";
const QUOTAS = "/api/v1/namespaces/{namespace}/resourcequotas";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";

/** The cluster behind a connection. */
export class KubeClient implements Kube {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #versions = new StoredVersions();

  constructor(connection: Connection, options: { clock: Clock }) {
    this.#connection = connection;
    this.#clock = options.clock;
  }

  now(): number | undefined {
    return this.#connection.now();
  }

  async createPod(
    pod: Pod,
    { dryRun = false, ...options }: CallOptions & { dryRun?: boolean } = {},
  ): Promise<Pod> {
    const before = this.#versions.ofPods;
    const body = { apiVersion: "v1", kind: "Pod", ...pod };
    const query = { fieldManager: FIELD_MANAGER, dryRun: dryRun ? "All" : undefined };
    const stored = asPod(await this.#connection.request("POST", PODS, { ...options, query, body }));
    if (!dryRun) this.#versions.createdPod(stored.metadata.resourceVersion, before);
    return stored;
  }

  async getPod(name: string, options: CallOptions = {}): Promise<Pod> {
    return asPod(await this.#connection.request("GET", `${PODS}/${encodeURIComponent(name)}`, options));
  }

  async annotatePod(
    name: string,
    { uid, annotations, ...options }: CallOptions & { uid: string; annotations: Record<string, string> },
  ): Promise<void> {
    // If the uid is not the pod's, the server refuses with a conflict.
    const body = { metadata: { uid, annotations } };
    await this.#connection.request("PATCH", `${PODS}/${encodeURIComponent(name)}`, { ...options, body });
  }

  async deletePod(
    name: string,
    { uid, gracePeriodSeconds, ...options }: CallOptions & { uid: string; gracePeriodSeconds?: number },
  ): Promise<void> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid },
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    };
    await this.#connection.request("DELETE", `${PODS}/${encodeURIComponent(name)}`, { ...options, body });
  }

  async evictPod(name: string, { uid, ...options }: CallOptions & { uid: string }): Promise<void> {
    const body = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
      deleteOptions: { preconditions: { uid } },
    };
    await this.#connection.request("POST", `${PODS}/${encodeURIComponent(name)}/eviction`, { ...options, body });
  }

  async cordonNode(name: string, options: CallOptions = {}): Promise<void> {
    const body = { spec: { unschedulable: true } };
    await this.#connection.request("PATCH", `${NODES}/${encodeURIComponent(name)}`, { ...options, body });
  }

  /**
   * Absence from a list counts as evidence, so before its first page we check again that this is still the cluster we
   * mean.
   */
  async listPods(options: CallOptions & ListOptions): Promise<KubeList<Pod>> {
    if (options.continueToken === undefined) await this.verify(options);
    const list = await this.#list<Pod>(PODS, "Pod", options);
    if (options.continueToken === undefined) this.#versions.listedPods(list.metadata.resourceVersion);
    return list;
  }

  async *watchPods(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Pod>> {
    for await (const event of this.#watch<Pod>(PODS, options)) {
      this.#versions.sawPod(event.object.metadata.resourceVersion);
      yield event;
    }
  }

  async listNodes(options: CallOptions & ListOptions): Promise<KubeList<Node>> {
    return await this.#list(NODES, "Node", options);
  }

  watchNodes(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Node>> {
    return this.#watch(NODES, options);
  }

  events(about: "Pod" | "Node"): Source<KubeEvent> {
    // Nodes belong to no namespace; events about them are in whichever namespace their writer chose.
    const path = about === "Pod" ? EVENTS : "/api/v1/events";
    const selected = <T extends ListOptions | WatchOptions>(options: T): T => {
      const fields = [`involvedObject.kind=${about}`, ...options.fieldSelector ? [options.fieldSelector] : []];
      return { ...options, fieldSelector: fields.join(",") };
    };
    return {
      list: async (options) => await this.#list(path, "Event", selected(options)),
      watch: (options) => this.#watch(path, selected(options)),
    };
  }

  async listExtensions(options: CallOptions & ListOptions): Promise<KubeList<ExtensionResource>> {
    try {
      return await this.#list(EXTENSIONS, "HostFactoryExtension", options);
    } catch (error) {
      throw ofKnownKind(error);
    }
  }

  async *watchExtensions(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<ExtensionResource>> {
    try {
      yield* this.#watch<ExtensionResource>(EXTENSIONS, options);
    } catch (error) {
      throw ofKnownKind(error);
    }
  }

  async patchExtensionStatus(
    name: string,
    { uid, status, ...options }: CallOptions & { uid: string; status: ExtensionStatus },
  ): Promise<void> {
    const body = { metadata: { uid }, status };
    await this.#connection.request("PATCH", `${EXTENSIONS}/${encodeURIComponent(name)}/status`, { ...options, body });
  }

  async getLease(name: string, options: CallOptions = {}): Promise<Lease> {
    return asLease(await this.#connection.request("GET", `${LEASES}/${encodeURIComponent(name)}`, options));
  }

  async createLease(lease: Lease, options: CallOptions = {}): Promise<Lease> {
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", ...lease };
    return asLease(await this.#connection.request("POST", LEASES, { ...options, body, isUnfenced: true }));
  }

  async updateLease(lease: Lease, options: CallOptions = {}): Promise<Lease> {
    const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", ...lease };
    const path = `${LEASES}/${encodeURIComponent(lease.metadata.name ?? "")}`;
    const before = this.#versions.ofLease;
    const stored = asLease(await this.#connection.request("PUT", path, { ...options, body, isUnfenced: true }));
    this.#versions.storedLease(stored.metadata.resourceVersion, before);
    return stored;
  }

  async isAllowed(right: Right, options: CallOptions = {}): Promise<boolean> {
    const namespace = await this.#connection.namespace(options);
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { ...right, namespace } },
    };
    const review = await this.#connection.request("POST", ACCESS_REVIEWS, { ...options, body });
    const { allowed } = (review as { status?: { allowed?: unknown } } | null)?.status ?? {};
    if (typeof allowed === "boolean") return allowed;
    throw new KubeError("unavailable", "The API server answered something that is not an access review");
  }

  async listQuotas(options: CallOptions = {}): Promise<KubeList<ResourceQuota>> {
    return await this.#list(QUOTAS, "ResourceQuota", options);
  }

  async verify(options: CallOptions = {}): Promise<void> {
    await this.#connection.verify(options);
  }

  restores(): number {
    return this.#versions.restores;
  }

  reconnect(): void {
    this.#connection.reset();
  }

  async #list<T>(
    path: string,
    kind: string,
    { labelSelector, fieldSelector, limit, continueToken, ...options }: CallOptions & ListOptions,
  ): Promise<KubeList<T>> {
    const query = { labelSelector, fieldSelector, limit, continue: continueToken };
    return asList(await this.#connection.request("GET", path, { ...options, query }), kind);
  }

  async *#watch<T>(
    path: string,
    { idleTimeoutMs, signal, timeoutMs, ...selection }: CallOptions & WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, void> {
    const options = { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const query = { watch: true, allowWatchBookmarks: true, ...selection };
    const stream = await this.#connection.open(path, { ...options, query });
    try {
      yield* readWatch<T>(stream, { clock: this.#clock, idleTimeoutMs, ...options });
    } catch (error) {
      // A silent connection is half-open, and the idle ones beside it may be just as dead.
      if (error instanceof KubeError && error.kind === "unavailable") this.#connection.reset();
      throw error;
    }
  }
}

/** A cluster need not know the kinds that are not Kubernetes' own. */
function ofKnownKind(error: unknown): unknown {
  if (!isUnknownPath(error)) return error;
  return new KubeError("notFound", "The cluster does not know the kind HostFactoryExtension", {
    cause: error,
    hint: "apply scripts/extensions/crd.yaml to register extensions by resources",
  });
}

function asPod(value: unknown): Pod {
  const pod = value as Pod;
  if (typeof pod?.metadata?.name === "string") return pod;
  throw new KubeError("unavailable", "The API server answered something that is not a pod");
}

function asLease(value: unknown): Lease {
  const lease = value as Lease;
  if (lease?.kind === "Lease" && typeof lease.metadata?.resourceVersion === "string") return lease;
  throw new KubeError("unavailable", "The API server answered something that is not a lease");
}

/** The items of a list lack `kind` and `apiVersion`, which single objects have. */
function asList<T>(value: unknown, kind: string): KubeList<T> {
  const list = value as KubeList<T>;
  const { resourceVersion } = list?.metadata ?? {};
  if (list?.kind !== `${kind}List` || typeof resourceVersion !== "string" || !Array.isArray(list.items ?? [])) {
    throw new KubeError(
      "unavailable",
      `The API server answered something that is not a list of ${kind.toLowerCase()}s`,
    );
  }
  return { ...list, items: (list.items ?? []).map((item) => ({ apiVersion: "v1", kind, ...item })) };
}
