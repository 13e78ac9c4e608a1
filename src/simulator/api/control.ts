import { HostFactoryError } from "../../errors.ts";
import type { User } from "./access.ts";
import type { SimulatedCluster } from "../cluster.ts";
import type { ClusterSnapshot } from "../etcd.ts";
import { type FaultInput, parseFault } from "../faults/faults.ts";
import { ApiError } from "../protocol/status.ts";

/** How many snapshots are kept; the oldest is dropped first. */
const MOST_SNAPSHOTS = 16;

/**
 * The control endpoints of a running simulator, for what the Kubernetes API does not offer:
 *
 *     GET    /simulator                   counts of pods, watches and faults
 *     GET    /simulator/faults            the faults that are on, and how often each has struck
 *     PUT    /simulator/faults/ID         turns a fault on (body: the fault, its name default ID)
 *     DELETE /simulator/faults[/ID]       turns one off, or all
 *     PUT    /simulator/users/TOKEN       sets the user of a token (body: name, and what is allowed: ["list pods", …])
 *     POST   /simulator/compact           forgets history: older resource versions get 410
 *     POST   /simulator/watches/drop      breaks every watch; `silence` lets them go silent instead
 *     POST   /simulator/snapshot          takes a snapshot of all objects and answers its `id`; the last 16 are kept
 *     POST   /simulator/restore/ID        restores etcd from a snapshot and restarts the API server;
 *                                         `restore/ID/running` keeps the API server running, with its stale cache
 *     POST   /simulator/restart           restarts the API server
 *     POST   /simulator/namespaces/NAME/recreate   deletes a namespace with everything in it and creates it again
 *     POST   /simulator/pods/NS/NAME/evict|preempt|end|delete
 *     DELETE /simulator/nodes/NAME        deletes a node with its pods
 */
export class Control {
  readonly #cluster: SimulatedCluster;
  readonly #snapshots = new Map<string, ClusterSnapshot>();
  #snapshotsTaken = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  async answer(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof ApiError) return answer({ error: error.message }, error.code);
      if (error instanceof HostFactoryError || error instanceof SyntaxError) {
        return answer({ error: error.message }, 400);
      }
      throw error;
    }
  }

  async #answer(request: Request): Promise<Response> {
    const cluster = this.#cluster;
    const parts = new URL(request.url).pathname.split("/").slice(2).map(decodeURIComponent);
    const [what = "", id = "", how = ""] = parts;
    switch (`${request.method} ${what}`) {
      case "GET ":
        return answer({ pods: cluster.countPods(), watches: cluster.watchCount, faults: cluster.listFaults() });
      case "GET faults":
        return answer({ faults: cluster.listFaults() });
      case "PUT faults":
        return this.#turnOnFault(id, await request.text());
      case "DELETE faults":
        return this.#turnOffFaults(id);
      case "PUT users":
        cluster.access.grant(parseUser(id, await request.text()));
        return answer({});
      case "POST compact":
        cluster.compact();
        return answer({ revision: cluster.revision });
      case "POST watches":
        return answer({ watches: id === "silence" ? cluster.silenceWatches() : cluster.dropWatches() });
      case "POST snapshot":
        return this.#snapshot();
      case "POST restore":
        return this.#restore(id, how);
      case "POST restart":
        cluster.restartApiServer();
        return answer({ revision: cluster.revision });
      case "POST namespaces":
        if (how !== "recreate") return answer({ error: `'${how}' is not 'recreate'` }, 400);
        return answer({ uid: cluster.recreateNamespace(id).metadata.uid });
      case "POST pods":
        return disrupt(cluster, parts);
      case "DELETE nodes":
        return cluster.removeNode(id) ? answer({}) : answer({ error: `node '${id}' does not exist` }, 404);
      default:
        return answer({ error: `${request.method} ${what || "/simulator"} is not offered here` }, 404);
    }
  }

  #turnOnFault(id: string, body: string): Response {
    const given = (body === "" ? {} : JSON.parse(body)) as Record<string, unknown>;
    const fault = { name: id, ...given, ...(id === "" ? {} : { id }) };
    this.#cluster.setFault(parseFault(fault, "the request") as FaultInput);
    return answer({ faults: this.#cluster.listFaults() });
  }

  /** @param id empty: all faults */
  #turnOffFaults(id: string): Response {
    if (id === "") this.#cluster.clearFaults();
    else if (!this.#cluster.clearFault(id)) return answer({ error: `fault '${id}' is not on` }, 404);
    return answer({ faults: this.#cluster.listFaults() });
  }

  #snapshot(): Response {
    const id = String(++this.#snapshotsTaken);
    const snapshot = this.#cluster.snapshot();
    this.#snapshots.set(id, snapshot);
    if (this.#snapshots.size > MOST_SNAPSHOTS) this.#snapshots.delete(this.#snapshots.keys().next().value!);
    return answer({ id, revision: snapshot.revision });
  }

  #restore(id: string, apiServer: string): Response {
    const snapshot = this.#snapshots.get(id);
    if (!snapshot) return answer({ error: `snapshot '${id}' does not exist` }, 404);
    if (apiServer !== "" && apiServer !== "running") return answer({ error: `'${apiServer}' is not 'running'` }, 400);
    this.#cluster.restore(snapshot, { apiServer: apiServer === "running" ? "running" : "restarted" });
    return answer({ revision: this.#cluster.revision });
  }
}

function parseUser(token: string, text: string): User {
  const { name, allow } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  if (
    token !== "" && typeof name === "string" && Array.isArray(allow) && allow.every((one) => typeof one === "string")
  ) {
    return { token, name, allow };
  }
  throw new HostFactoryError("Cannot grant that", {
    hint: 'give a token, a name, and as allow a list such as ["list pods"]',
  });
}

function disrupt(cluster: SimulatedCluster, [, namespace = "", name = "", how = ""]: string[]): Response {
  const ways: Record<string, () => boolean> = {
    evict: () => cluster.evict(name, undefined, { namespace }),
    preempt: () => cluster.preempt(name, { namespace }),
    end: () => cluster.endPod(name, { namespace }),
    delete: () => cluster.deletePod(name, { namespace }),
  };
  const way = Object.hasOwn(ways, how) ? ways[how] : undefined;
  if (!way) return answer({ error: `'${how}' is none of ${Object.keys(ways).join(", ")}` }, 400);
  return way() ? answer({}) : answer({ error: `pod '${name}' does not run in namespace '${namespace}'` }, 404);
}

function answer(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body, null, 2) + "\n", {
    status,
    headers: { "content-type": "application/json" },
  });
}
