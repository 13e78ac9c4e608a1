import type { Pod } from "../kube/types.ts";
import type { StoredLease } from "./lease_operations.ts";
import type { Namespace, ResourceQuota } from "./namespaces.ts";
import type { Node } from "./nodes.ts";
import { Revisions } from "./revisions.ts";
import { type ApiServerOnRestore, Store, type StoreSnapshot } from "./store.ts";

/** Everything that a cluster held at one moment. */
export interface ClusterSnapshot {
  revision: number;
  pods: StoreSnapshot<Pod>;
  nodes: StoreSnapshot<Node>;
  namespaces: StoreSnapshot<Namespace>;
  quotas: StoreSnapshot<ResourceQuota>;
  leases: StoreSnapshot<StoredLease>;
}

/** Everything that a cluster holds: a store for each resource, and one sequence of revisions for all of them. */
export class Etcd {
  readonly #revisions = new Revisions();
  readonly pods: Store<Pod>;
  readonly nodes: Store<Node>;
  readonly namespaces: Store<Namespace>;
  readonly quotas: Store<ResourceQuota>;
  readonly leases: Store<StoredLease>;

  /** @param options.historyLimit changes of each resource that are remembered */
  constructor(options: { historyLimit: number; now: () => number }) {
    this.pods = new Store<Pod>(this.#revisions, options);
    this.nodes = new Store<Node>(this.#revisions, options);
    this.namespaces = new Store<Namespace>(this.#revisions, options);
    this.quotas = new Store<ResourceQuota>(this.#revisions, options);
    this.leases = new Store<StoredLease>(this.#revisions, options);
  }

  /** The most recent revision. */
  get revision(): number {
    return this.#revisions.current;
  }

  /** Forgets all history: resource versions and continue tokens from before are answered with 410. */
  compact(): void {
    for (const { cache } of this.#stores) cache.compact();
  }

  snapshot(): ClusterSnapshot {
    return {
      revision: this.revision,
      pods: this.pods.snapshot(),
      nodes: this.nodes.snapshot(),
      namespaces: this.namespaces.snapshot(),
      quotas: this.quotas.snapshot(),
      leases: this.leases.snapshot(),
    };
  }

  /**
   * etcd is put back as it was when the snapshot was taken: all objects, and the revision, so that what is written from now on
   * gets resource versions that others have had. Pods live on from their state of then; those made since are gone. No event
   * tells of any of that. A snapshot can be put back more than once.
   *
   * What the API server does then was measured with 1.36.3 and etcd 3.6.8. GET, and every write, is answered from etcd: 404 for
   * what came since, 409 for an update that names a later resource version (as for any that is not the present one).
   *
   * `restarted`: the API server is started again with it, as etcd's documentation demands.
   * - Open watches break.
   * - A watch from a resource version that is still to come is silent, without bookmarks either, and ends cleanly at its
   *   time-out. Once the revision has passed it by, the watch tells of what comes after it, and never of what came before.
   * - A watch from before the restart gets 410 as an ERROR event.
   * - A list shows what there is, at its present resource version; one with a resource version to come, or the next page of a
   *   list from then, gets 504 "Too large resource version" (the real one waits three seconds first).
   *
   * `running`: nobody told the API server. Its watch cache keeps its picture, and waits for etcd to get past it.
   * - Open watches stay open and silent, those that are opened anew begin with the lost picture.
   * - Lists, with or without a resource version, show the lost picture at its resource version: pods that GET says are not
   *   there, and not the pods that are there again.
   * - Once the revision has passed the lost one by, the changes from then on are told and shown; what was changed before that
   *   stays wrong until the API server is started again (`restartApiServer`).
   */
  restore(snapshot: ClusterSnapshot, apiServer: ApiServerOnRestore): void {
    if (apiServer === "running") this.#stores.forEach(({ cache }) => cache.holdOn());
    this.#revisions.putBack(snapshot.revision);
    this.nodes.restore(snapshot.nodes, apiServer);
    this.namespaces.restore(snapshot.namespaces, apiServer);
    this.quotas.restore(snapshot.quotas, apiServer);
    this.leases.restore(snapshot.leases, apiServer);
    this.pods.restore(snapshot.pods, apiServer);
  }

  /** The API server is started again: its caches are made from what is really there. */
  restartApiServer(): void {
    for (const store of this.#stores) store.restartCache();
  }

  get #stores() {
    return [this.pods, this.nodes, this.namespaces, this.quotas, this.leases];
  }
}
