import type { KubeList, Pod, Status, WatchEvent } from "../../src/kube/types.ts";
import { seededRandom } from "../../src/random.ts";
import { type ClusterOptions, SimulatedCluster } from "../../src/simulator/cluster.ts";
import { settled, SimulatedClock } from "../support/simulated_clock.ts";

export const PODS = "/api/v1/namespaces/default/pods";
export const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/** An answer, read to its end. */
export interface Answer<T> {
  status: number;
  headers: Headers;
  // The caller knows what it asked for.
  body: T;
}

/** A cluster under a clock of its own, and somebody who asks it. */
export class Fixture implements Disposable {
  readonly clock = new SimulatedClock();
  readonly cluster: SimulatedCluster;

  constructor({ seed = 1, ...options }: Partial<ClusterOptions> & { seed?: number } = {}) {
    this.cluster = new SimulatedCluster({ clock: this.clock, random: seededRandom(seed), ...options });
  }

  /** Asks, as the administrator, and lets time pass until there is an answer. */
  // deno-lint-ignore no-explicit-any
  async ask<T = any>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await this.clock.runWhile(this.send(method, path, body));
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  send(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: "Bearer admin", "content-type": type };
    return this.cluster.handle(
      new Request(`http://simulator${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...init,
      }),
    );
  }

  create(name: string, { labels = {}, spec = {} }: { labels?: Record<string, string>; spec?: object } = {}) {
    return this.ask<Pod>("POST", PODS, podOf(name, { labels, spec }));
  }

  async list(query = ""): Promise<KubeList<Pod>> {
    return (await this.ask<KubeList<Pod>>("GET", `${PODS}${query}`)).body;
  }

  async watch(query: string, path = PODS): Promise<WatchReader> {
    return new WatchReader(await this.send("GET", `${path}?watch=1&${query}`));
  }

  async allRunning(count: number): Promise<void> {
    await this.clock.runUntil(() => this.cluster.countPods().phases["Running"] === count);
  }

  [Symbol.dispose](): void {
    this.cluster.stop();
  }
}

/** A pod as somebody asks for it. */
export function podOf(
  name: string,
  { labels = {}, spec = {} }: { labels?: Record<string, string>; spec?: object } = {},
) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { containers: [{ name: "c", image: "b:1" }], ...spec },
  };
}

/** The names of the objects of a list. */
export function namesOf({ items }: KubeList<Pod>): (string | undefined)[] {
  return items.map(({ metadata }) => metadata.name);
}

/** Collects what a watch says. */
export class WatchReader {
  readonly events: (WatchEvent<Pod> | { type: "ERROR"; object: Status })[] = [];
  /** How it ended: `no`, it has not. */
  ended: "no" | "clean" | "broken" = "no";
  readonly status: number;
  readonly done: Promise<void>;

  constructor(response: Response) {
    this.status = response.status;
    this.done = this.#read(response);
  }

  /** What has come so far: type, name, phase. */
  async said(): Promise<string[]> {
    await settled();
    return this.events.map(({ type, object }) => {
      const { metadata, status } = object as Pod;
      if (type === "BOOKMARK" || type === "ERROR") return type;
      return `${type} ${metadata.name} ${status?.phase}${metadata.deletionTimestamp ? " deleting" : ""}`;
    });
  }

  async #read(response: Response): Promise<void> {
    let rest = "";
    try {
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) this.events.push(JSON.parse(line));
      }
      this.ended = "clean";
    } catch {
      this.ended = "broken";
    }
  }
}
