import type { Pod } from "../../src/kube/types.ts";
import type { SimulatedCluster } from "../../src/simulator/cluster.ts";
import { PodLabel } from "../../src/templates/podspec.ts";

/** The namespace and the instance of the provider that is put to the test. */
export const NAMESPACE = "grid";
export const INSTANCE = "k8s-hf";

/** One pod, from its creation until it is gone, as the cluster itself has it. */
export interface Life {
  uid: string;
  name: string;
  /** Who made it: the product, for the instance that is put to the test, or somebody else. */
  isOurs: boolean;
  /** As it is, or as it last was. */
  pod: Pod;
  isAlive: boolean;
  /** It was Running at some time. */
  hasRun: boolean;
  createdMs: number;
  /** It was stored without the labels by which we know our pods. */
  isUnmarked: boolean;
}

/** What really happened to pods, from the cluster's own feed of changes; never from our files. */
export class Truth {
  readonly #lives = new Map<string, Life>();
  readonly #living = new Map<string, Life>();
  /** The cluster is changed by somebody who is not the product, right now. */
  isOutsider = false;

  constructor(
    cluster: SimulatedCluster,
    options: { monotonic: () => number; changed: (type: string, life: Life) => void },
  ) {
    cluster.onPodChange(({ type, object }) => {
      const { uid = "", name = "" } = object.metadata;
      const before = this.#lives.get(uid);
      const life: Life = {
        uid,
        name,
        isOurs: before?.isOurs ?? (!this.isOutsider && isOfInstance(object)),
        pod: object,
        isAlive: type !== "DELETED",
        hasRun: (before?.hasRun ?? false) || ["Running", "Succeeded"].includes(object.status?.phase ?? ""),
        createdMs: before?.createdMs ?? options.monotonic(),
        isUnmarked: before?.isUnmarked ?? !carriesOurLabels(object),
      };
      this.#lives.set(uid, life);
      if (life.isAlive) this.#living.set(name, life);
      else this.#living.delete(name);
      options.changed(type, life);
    });
  }

  /** Takes in that the cluster was put back to an earlier state, of which no one is told. */
  putBack(pods: Pod[]): void {
    const there = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
    this.#living.clear();
    for (const life of this.#lives.values()) {
      const pod = there.get(life.uid);
      life.isAlive = pod !== undefined;
      if (!pod) continue;
      life.pod = pod;
      this.#living.set(life.name, life);
    }
  }

  /** Does something in another's name. */
  asOutsider<T>(act: () => T): T {
    const before = this.isOutsider;
    this.isOutsider = true;
    try {
      return act();
    } finally {
      this.isOutsider = before;
    }
  }

  /** The pod that has the name now. */
  living(name: string): Life | undefined {
    return this.#living.get(name);
  }

  life(uid: string): Life | undefined {
    return this.#lives.get(uid);
  }

  /** Every pod that there ever was. */
  lives(): Life[] {
    return [...this.#lives.values()];
  }

  /** Pods that exist, by name. */
  allLiving(): Life[] {
    return [...this.#living.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

/** True unless the pod says that it is a machine of another instance. */
function isOfInstance({ metadata: { labels = {} } }: Pod): boolean {
  return (labels[PodLabel.instance] ?? INSTANCE) === INSTANCE;
}

/** True where the pod says that it is a machine of this provider instance, whoever made it. */
export function carriesOurLabels(pod: Pod): boolean {
  const { name = "", labels = {} } = pod.metadata;
  return labels[PodLabel.instance] === INSTANCE && name.startsWith(`${labels[PodLabel.request]}-`);
}

/** True for the pod of a machine of this instance, whatever somebody has made of its labels. */
export function isMachine({ isOurs, pod }: Life): boolean {
  return isOurs || carriesOurLabels(pod);
}

/** True where the pod will not run any more. */
export function isOver(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed" ||
    pod.status?.phase === "Succeeded";
}
