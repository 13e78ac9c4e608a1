import type { Clock } from "../clock.ts";
import type { Connection } from "./connection.ts";
import { KubeError } from "./errors.ts";
import type { CallOptions, Kube, ListOptions, WatchOptions } from "./kube.ts";
import type { Pod, PodList, WatchEvent } from "./types.ts";
import { readWatch } from "./watch.ts";

const PODS = "/api/v1/namespaces/{namespace}/pods";

/** The cluster behind a connection. */
export class KubeClient implements Kube {
  readonly #connection: Connection;
  readonly #clock: Clock;

  constructor(connection: Connection, options: { clock: Clock }) {
    this.#connection = connection;
    this.#clock = options.clock;
  }

  now(): number | undefined {
    return this.#connection.now();
  }

  async createPod(pod: Pod, options: CallOptions = {}): Promise<Pod> {
    return asPod(
      await this.#connection.request("POST", PODS, { ...options, body: { apiVersion: "v1", kind: "Pod", ...pod } }),
    );
  }

  async getPod(name: string, options: CallOptions = {}): Promise<Pod> {
    return asPod(await this.#connection.request("GET", `${PODS}/${encodeURIComponent(name)}`, options));
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

  async listPods({ labelSelector, limit, continueToken, ...options }: CallOptions & ListOptions): Promise<PodList> {
    const query = { labelSelector, limit, continue: continueToken };
    return asPodList(await this.#connection.request("GET", PODS, { ...options, query }));
  }

  async *watchPods(
    { labelSelector, resourceVersion, timeoutSeconds, idleTimeoutMs, ...options }: CallOptions & WatchOptions,
  ): AsyncGenerator<Exclude<WatchEvent, { type: "ERROR" }>, void, void> {
    const query = { watch: true, allowWatchBookmarks: true, labelSelector, resourceVersion, timeoutSeconds };
    const stream = await this.#connection.open(PODS, { ...options, query });
    try {
      yield* readWatch(stream, { clock: this.#clock, idleTimeoutMs, ...options });
    } catch (error) {
      // Silence is a half-open connection, and those that idle beside it may be just as dead.
      if (error instanceof KubeError && error.kind === "unavailable") this.#connection.reset();
      throw error;
    }
  }
}

function asPod(value: unknown): Pod {
  const pod = value as Pod;
  if (typeof pod?.metadata?.name === "string") return pod;
  throw new KubeError("unavailable", "The API server answered something that is not a pod");
}

/** The items of a list do not say what they are; by themselves they do. */
function asPodList(value: unknown): PodList {
  const list = value as PodList;
  if (
    list?.kind !== "PodList" || typeof list.metadata?.resourceVersion !== "string" || !Array.isArray(list.items ?? [])
  ) {
    throw new KubeError("unavailable", "The API server answered something that is not a list of pods");
  }
  return { ...list, items: (list.items ?? []).map((pod) => ({ apiVersion: "v1", kind: "Pod", ...pod })) };
}
