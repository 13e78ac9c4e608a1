import type { Pod } from "../kube/types.ts";
import type { StoredLease } from "./objects/lease_operations.ts";
import type { Namespace, ResourceQuota } from "./objects/namespaces.ts";
import type { Node } from "./behaviour/nodes.ts";
import { resourceName, storedKinds, type StoredObject } from "./objects/stored_kinds.ts";
import { Revisions } from "./store/revisions.ts";
import { type ApiServerOnRestore, Store, type StoreSnapshot } from "./store/store.ts";

/** All objects of a cluster at one moment. */
export interface ClusterSnapshot {
  revision: number;
  pods: StoreSnapshot<Pod>;
  nodes: StoreSnapshot<Node>;
  namespaces: StoreSnapshot<Namespace>;
  quotas: StoreSnapshot<ResourceQuota>;
  leases: StoreSnapshot<StoredLease>;
  /** By resource, qualified with its group. */
  others: Map<string, StoreSnapshot<StoredObject>>;
}

/** All objects of a cluster: one store for each resource, and one sequence of revisions for all of them. */
export class Etcd {
  readonly #revisions = new Revisions();
  readonly pods: Store<Pod>;
  readonly nodes: Store<Node>;
  readonly namespaces: Store<Namespace>;
  readonly quotas: Store<ResourceQuota>;
  readonly leases: Store<StoredLease>;
  /** The stores of kinds that are only kept, by resource, qualified with its group. */
  readonly others: Map<string, Store<StoredObject>>;

  /** @param options.historyLimit how many changes of each resource are kept */
  constructor(options: { historyLimit: number; now: () => number }) {
    this.pods = new Store<Pod>(this.#revisions, options);
    this.nodes = new Store<Node>(this.#revisions, options);
    this.namespaces = new Store<Namespace>(this.#revisions, options);
    this.quotas = new Store<ResourceQuota>(this.#revisions, options);
    this.leases = new Store<StoredLease>(this.#revisions, options);
    this.others = new Map(
      storedKinds.map((kind) => [resourceName(kind), new Store<StoredObject>(this.#revisions, options)]),
    );
  }

  /** The most recent revision. */
  get revision(): number {
    return this.#revisions.current;
  }

  /** Runs code whose writes are answered but have no effect: a dry run. */
  dryRun<T>(run: () => T): T {
    for (const store of this.#stores) store.isDry = true;
    try {
      return run();
    } finally {
      for (const store of this.#stores) store.isDry = false;
    }
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
      others: new Map([...this.others].map(([name, store]) => [name, store.snapshot()])),
    };
  }

  /**
   * Restores a snapshot: all objects and the revision, so that later writes reuse resource versions. Pods continue from their
   * restored state; pods created since the snapshot are gone. No event reports any of this. A snapshot can be restored more
   * than once.
   *
   * The behaviour of the API server was measured with Kubernetes 1.36.3 and etcd 3.6.8. GET and every write go to etcd: 404 for
   * objects created since the snapshot, 409 for an update that names a lost resource version.
   *
   * `restarted`: the API server is restarted together with etcd, as etcd's documentation requires.
   * - Open watches break.
   * - A watch from a future resource version is silent, without bookmarks, and ends cleanly at its time-out. If the revision
   *   overtakes it before that, the watch reports later changes, and never the ones in between.
   * - A watch from a resource version before the restart gets 410 as an ERROR event.
   * - A list shows the restored objects and their resource version. A list at a future resource version, or the next page of a
   *   list that began before, gets 504 "Too large resource version" (the real one waits three seconds first).
   *
   * `running`: only etcd is restarted. The API server's watch cache keeps the lost state and waits for etcd to overtake it.
   * - Open watches stay open and silent. New ones begin with the lost state.
   * - Lists, with or without a resource version, show the lost state at its resource version. They name pods for which GET
   *   answers 404, and omit restored pods.
   * - Once the revision has overtaken the lost one, watches and lists show every further change. Whatever changed before that
   *   stays wrong until the API server is restarted (`restartApiServer`).
   */
  restore(snapshot: ClusterSnapshot, apiServer: ApiServerOnRestore): void {
    if (apiServer === "running") this.#stores.forEach(({ cache }) => cache.keepAhead());
    this.#revisions.putBack(snapshot.revision);
    this.nodes.restore(snapshot.nodes, apiServer);
    this.namespaces.restore(snapshot.namespaces, apiServer);
    this.quotas.restore(snapshot.quotas, apiServer);
    this.leases.restore(snapshot.leases, apiServer);
    for (const [name, store] of this.others) store.restore(snapshot.others.get(name)!, apiServer);
    this.pods.restore(snapshot.pods, apiServer);
  }

  /** Restarts the API server: its caches are rebuilt from the stores. */
  restartApiServer(): void {
    for (const store of this.#stores) store.restartCache();
  }

  get #stores() {
    return [this.pods, this.nodes, this.namespaces, this.quotas, this.leases, ...this.others.values()];
  }
}
