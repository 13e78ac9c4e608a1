import type { Clock } from "../../src/clock.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { CallOptions, Kube, ListOptions, Right, Source, WatchOptions } from "../../src/kube/kube.ts";
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
} from "../../src/kube/types.ts";

type Call =
  | "createPod"
  | "annotatePod"
  | "getPod"
  | "deletePod"
  | "evictPod"
  | "cordonNode"
  | "listPods"
  | "watchPods"
  | "listNodes"
  | "watchNodes"
  | "listExtensions"
  | "watchExtensions"
  | "patchExtensionStatus"
  | "getLease"
  | "createLease"
  | "updateLease"
  | "isAllowed"
  | "listQuotas"
  | "verify";

/** A cluster that does at once what it is told, unless it was told to fail; nothing runs in it by itself. */
export class FakeKube implements Kube {
  readonly #clock: Clock;
  readonly #epochMs: number;
  #version = 0;
  #inFlight = 0;
  readonly #failures: { call: Call; error: KubeError; times: number; name: string | undefined }[] = [];
  readonly pods = new Map<string, Pod>();
  readonly nodes = new Map<string, Node>();
  readonly extensions = new Map<string, ExtensionResource>();
  readonly leases = new Map<string, Lease>();
  readonly quotas = new Map<string, ResourceQuota>();
  /** What is not granted, each a verb and a resource: `list pods`. */
  readonly denied = new Set<string>();
  /** How often its lists have begun to show what does not exist any more. */
  timesRestored = 0;
  /** How often all connections were given up. */
  reconnects = 0;
  /** Every call that was made, in order, with its time on the monotonic clock. */
  readonly calls: { call: Call; name: string; atMs: number; uid?: string }[] = [];
  /** How long each call takes, in milliseconds. */
  latencyMs = 0;
  /** How far its clock is ahead of ours, in milliseconds; nothing while it has not told its time yet. */
  aheadMs: number | undefined = 0;
  /** The most calls that were ever under way at once. */
  mostInFlight = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#epochMs = clock.now() - clock.monotonic();
  }

  /** The cluster's time runs on whatever our clock is set to. */
  now(): number | undefined {
    return this.aheadMs === undefined ? undefined : this.#epochMs + this.#clock.monotonic() + this.aheadMs;
  }

  /** Makes calls fail: so many times (default: for ever), and only those for a pod where one is named. */
  fail(call: Call, error: KubeError, options: { times?: number; name?: string } = {}): void {
    this.#failures.push({ call, error, times: options.times ?? Infinity, name: options.name });
  }

  /** Ends every failure. */
  recover(): void {
    this.#failures.length = 0;
  }

  /** Puts a pod there as if somebody had made it. */
  put(pod: Pod): Pod {
    const name = pod.metadata.name ?? "";
    const uid = pod.metadata.uid ?? this.pods.get(name)?.metadata.uid ?? `uid-${++this.#version}`;
    const creationTimestamp = pod.metadata.creationTimestamp ??
      new Date(this.now() ?? this.#clock.now()).toISOString().replace(/\.\d+/, "");
    const metadata = { ...pod.metadata, uid, creationTimestamp, resourceVersion: String(++this.#version) };
    const stored = { ...pod, metadata, status: pod.status ?? { phase: "Pending" as const } };
    this.pods.set(name, stored);
    return structuredClone(stored);
  }

  async verify(options: CallOptions = {}): Promise<void> {
    await this.#answer("verify", "", options, () => {});
  }

  restores(): number {
    return this.timesRestored;
  }

  /** The names of the pods that a call was made for, in order. */
  named(call: Call): string[] {
    return this.calls.filter((one) => one.call === call).map(({ name }) => name);
  }

  async createPod(pod: Pod, options: CallOptions & { dryRun?: boolean } = {}): Promise<Pod> {
    return await this.#answer("createPod", pod.metadata.name ?? "", options, () => {
      if (this.pods.has(pod.metadata.name ?? "")) throw new KubeError("alreadyExists", "already exists");
      if (options.dryRun) return structuredClone(pod);
      return this.put(structuredClone(pod));
    });
  }

  async getPod(name: string, options: CallOptions = {}): Promise<Pod> {
    return await this.#answer("getPod", name, options, () => structuredClone(this.#pod(name)));
  }

  async annotatePod(
    name: string,
    options: CallOptions & { uid: string; annotations: Record<string, string> },
  ): Promise<void> {
    await this.#answer("annotatePod", name, options, () => {
      const pod = this.#pod(name);
      if (pod.metadata.uid !== options.uid) throw new KubeError("conflict", "the uid is another");
      this.put({
        ...pod,
        metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...options.annotations } },
      });
    });
  }

  async evictPod(name: string, options: CallOptions & { uid: string }): Promise<void> {
    await this.#answer("evictPod", name, options, () => {
      if (this.#pod(name).metadata.uid !== options.uid) throw new KubeError("conflict", "the uid is another");
      this.pods.delete(name);
    });
  }

  async cordonNode(name: string, options: CallOptions = {}): Promise<void> {
    await this.#answer("cordonNode", name, options, () => {});
  }

  async deletePod(name: string, options: CallOptions & { uid: string }): Promise<void> {
    await this.#answer("deletePod", name, options, () => {
      if (this.#pod(name).metadata.uid !== options.uid) throw new KubeError("conflict", "the uid is another");
      this.pods.delete(name);
    });
  }

  async listPods(options: CallOptions & ListOptions): Promise<KubeList<Pod>> {
    return await this.#list("listPods", this.pods, options);
  }

  watchPods(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Pod>> {
    return this.#watch("watchPods", options);
  }

  async listNodes(options: CallOptions & ListOptions): Promise<KubeList<Node>> {
    return await this.#list("listNodes", this.nodes, options);
  }

  watchNodes(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<Node>> {
    return this.#watch("watchNodes", options);
  }

  /** Nothing is said of anything. */
  events(): Source<KubeEvent> {
    return {
      list: () => Promise.resolve({ metadata: { resourceVersion: "1" }, items: [] }),
      watch: async function* () {},
    };
  }

  async isAllowed({ verb, resource }: Right, options: CallOptions = {}): Promise<boolean> {
    return await this.#answer(
      "isAllowed",
      `${verb} ${resource}`,
      options,
      () => !this.denied.has(`${verb} ${resource}`),
    );
  }

  async listQuotas(options: CallOptions = {}): Promise<KubeList<ResourceQuota>> {
    return await this.#list("listQuotas", this.quotas, options);
  }

  async getLease(name: string, options: CallOptions = {}): Promise<Lease> {
    return await this.#answer("getLease", name, options, () => structuredClone(this.#lease(name)));
  }

  async createLease(lease: Lease, options: CallOptions = {}): Promise<Lease> {
    const { name = "" } = lease.metadata;
    return await this.#answer("createLease", name, options, () => {
      if (this.leases.has(name)) throw new KubeError("alreadyExists", "already exists");
      return this.putLease(lease);
    });
  }

  async updateLease(lease: Lease, options: CallOptions = {}): Promise<Lease> {
    const { name = "", resourceVersion } = lease.metadata;
    return await this.#answer("updateLease", name, options, () => {
      if (this.#lease(name).metadata.resourceVersion !== resourceVersion) {
        throw new KubeError("conflict", "has changed");
      }
      return this.putLease(lease);
    });
  }

  async listExtensions(options: CallOptions & ListOptions): Promise<KubeList<ExtensionResource>> {
    return await this.#list("listExtensions", this.extensions, options);
  }

  watchExtensions(options: CallOptions & WatchOptions): AsyncIterable<WatchEvent<ExtensionResource>> {
    return this.#watch("watchExtensions", options);
  }

  async patchExtensionStatus(
    name: string,
    { status, ...options }: CallOptions & { uid: string; status: ExtensionStatus },
  ): Promise<void> {
    await this.#answer("patchExtensionStatus", name, options, () => {
      const extension = this.extensions.get(name);
      if (!extension) throw new KubeError("notFound", `hostfactoryextensions "${name}" not found`);
      extension.status = { ...extension.status, ...status };
    });
  }

  /** Puts a lease there as if somebody had written it. */
  putLease(lease: Lease): Lease {
    const stored = {
      ...lease,
      kind: "Lease",
      metadata: { ...lease.metadata, resourceVersion: String(++this.#version) },
    };
    this.leases.set(lease.metadata.name ?? "", stored);
    return structuredClone(stored);
  }

  reconnect(): void {
    this.reconnects++;
  }

  #lease(name: string): Lease {
    const lease = this.leases.get(name);
    if (!lease) throw new KubeError("notFound", `leases "${name}" not found`);
    return lease;
  }

  async #list<T>(call: Call, objects: Map<string, T>, options: CallOptions): Promise<KubeList<T>> {
    return await this.#answer(call, "", options, () => ({
      metadata: { resourceVersion: String(this.#version) },
      items: structuredClone([...objects.values()]),
    }));
  }

  // deno-lint-ignore require-yield -- Nothing ever changes for somebody who watches: tests tell the sink themselves.
  async *#watch(call: Call, options: CallOptions & WatchOptions): AsyncGenerator<never> {
    await this.#answer(call, "", options, () => {});
    await this.#clock.sleep(options.timeoutSeconds * 1000, options.signal);
  }

  #pod(name: string): Pod {
    const pod = this.pods.get(name);
    if (!pod) throw new KubeError("notFound", `pods "${name}" not found`);
    return pod;
  }

  async #answer<T>(call: Call, name: string, options: CallOptions & { uid?: string }, answer: () => T): Promise<T> {
    const uid = options.uid === undefined ? {} : { uid: options.uid };
    this.calls.push({ call, name, atMs: this.#clock.monotonic(), ...uid });
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    try {
      if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs, options.signal);
      options.signal?.throwIfAborted();
      const failure = this.#failures.find((one) =>
        one.call === call && one.times > 0 && (one.name === undefined || one.name === name)
      );
      if (failure) {
        failure.times--;
        throw failure.error;
      }
      return answer();
    } finally {
      this.#inFlight--;
    }
  }
}
